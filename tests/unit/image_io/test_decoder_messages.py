import logging
import threading

from tfdvae.image_io import decoder_messages


def test_what_a_thread_logs_while_it_reads_is_kept_and_nothing_else(caplog):
    inside, outside = threading.Event(), threading.Event()
    found = []

    def read():
        with decoder_messages.kept() as records:
            logging.getLogger("tifffile").error("mine")
            inside.set()
            assert outside.wait(60)
            logging.getLogger("imagecodecs").warning("mine too")
        found.extend(record.getMessage() for record in records)

    thread = threading.Thread(target=read)
    thread.start()
    assert inside.wait(60)
    logging.getLogger("tifffile").error("of another thread")
    outside.set()
    thread.join()
    logging.getLogger("tifffile").error("later")
    assert found == ["mine", "mine too"]
    assert [record.getMessage() for record in caplog.records] == ["of another thread", "later"]


def test_readings_within_one_another():
    with decoder_messages.kept() as outer:
        with decoder_messages.kept() as inner:
            logging.getLogger("tifffile").error("inner")
        logging.getLogger("tifffile").error("outer")
    assert [record.getMessage() for record in outer] == ["outer"]
    assert [record.getMessage() for record in inner] == ["inner"]
