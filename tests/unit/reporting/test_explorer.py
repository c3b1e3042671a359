import base64
import io
import itertools
import json

import numpy as np
import pytest
from PIL import Image

from tfdvae.reporting import explorer, html

NAMES = ("bag", "shoe", "</script><b>hat")
LABELS = np.arange(30) % 3
IMAGES = np.random.default_rng(0).random((30, 4, 6, 1), dtype=np.float32)


def decode(codes):
    """A picture (n, 4, 6, 1) whose first pixels are the code, squeezed into [0, 1]."""
    flat = codes.reshape(len(codes), -1)
    pictures = np.zeros((len(codes), 24), np.float32)
    pictures[:, : flat.shape[1]] = 1 / (1 + np.exp(-flat))[:, :24]
    return pictures.reshape(-1, 4, 6, 1)


def built(units, prior=True, names=NAMES, images=IMAGES):
    codes = np.random.default_rng(1).normal(size=(len(images), units))
    return explorer.build(
        decode, images, codes, LABELS[: len(images)], names, prior, 100 + np.arange(len(images))
    ), codes


def tile(sprite, number, height=4, width=6):
    image = np.asarray(Image.open(io.BytesIO(base64.b64decode(sprite["source"].partition(",")[2]))))
    row, column = divmod(number, sprite["columns"])
    return image[row * height : (row + 1) * height, column * width : (column + 1) * width]


def expected(code):
    return np.rint(255 * decode(np.asarray(code, float)[None])[0, :, :, 0])


@pytest.mark.parametrize("units", [1, 2, 3, 4])
def test_up_to_four_units_move_together(units):
    found = built(units)[0]["units"]
    assert found["together"]
    steps = explorer.STEPS[units - 1]
    assert np.shape(found["values"]) == (units, steps)
    for places in itertools.islice(
        itertools.product(range(steps), repeat=units), 0, steps**units, 37
    ):
        number = 0
        for place in places:
            number = number * steps + place
        code = [found["values"][unit][place] for unit, place in enumerate(places)]
        np.testing.assert_allclose(tile(found["sprite"], number), expected(code), atol=1)
    assert all(
        abs(line[start]) < 1e-9 for line, start in zip(found["values"], found["start"], strict=True)
    )


@pytest.mark.parametrize("prior", [True, False])
def test_more_units_move_one_at_a_time_while_the_others_rest(prior):
    data, codes = built(9, prior)
    found = data["units"]
    assert not found["together"]
    rest = np.zeros(9) if prior else codes.mean(axis=0)
    steps = len(found["values"][0])
    for unit, place in ((0, 0), (4, 7), (8, steps - 1)):
        code = rest.copy()
        code[unit] = found["values"][unit][place]
        np.testing.assert_allclose(
            tile(found["sprite"], unit * steps + place), expected(code), atol=1
        )
    if not prior:
        np.testing.assert_allclose(found["values"][3][0], np.percentile(codes[:, 3], 1), atol=1e-3)


@pytest.mark.parametrize("prior", [True, False])
def test_of_many_units_the_most_active_have_sliders(prior):
    codes = np.random.default_rng(1).normal(size=(30, 50))
    codes[:, [7, 30]] *= 0.1
    data = explorer.build(
        lambda given: decode(given[:, 20:44]), IMAGES, codes, LABELS, NAMES, prior, np.arange(30)
    )
    found = data["units"]
    assert data["count"] == 50
    assert (
        found["numbers"]
        == (np.sort(np.argsort(-codes.var(axis=0))[: explorer.MAX_UNITS]) + 1).tolist()
    )
    assert not {8, 31} & set(found["numbers"])
    assert len(found["values"]) == len(found["start"]) == explorer.MAX_UNITS
    place, steps = 20, len(found["values"][0])
    code = np.zeros(50) if prior else codes.mean(axis=0)
    code[found["numbers"][place] - 1] = found["values"][place][5]
    np.testing.assert_allclose(
        tile(found["sprite"], place * steps + 5), expected(code[20:44]), atol=1
    )


def test_the_page_says_which_units_have_sliders(tmp_path):
    assert (
        "these"
        not in write(tmp_path, built(9)[0])
        .read_text()
        .partition("Latent explorer")[2]
        .partition("<canvas")[0]
    )
    said = " ".join(write(tmp_path, built(50)[0]).read_text().split())
    assert f"Of 50 units these {explorer.MAX_UNITS} vary most over the test images." in said


def test_between_images_of_each_class():
    data, codes = built(5)
    found = data["between"]
    assert found["names"] == list(NAMES)
    steps = found["steps"]
    for pair, (first, second) in enumerate(
        [(0, 1), (0, 2), (1, 2)]
    ):  # the first images are of one class each
        for step in (0, 3, steps - 1):
            weight = step / (steps - 1)
            code = (1 - weight) * codes[first] + weight * codes[second]
            np.testing.assert_allclose(
                tile(found["sprite"], pair * steps + step), expected(code), atol=1
            )


def test_map_has_a_point_and_a_picture_for_each_image():
    found = built(5)[0]["map"]
    for points in found["points"].values():
        assert np.shape(points) == (30, 2)
        assert np.min(points) >= 0
        assert np.max(points) <= 1
        assert np.isclose(np.ptp(points, axis=0).max(), 1, atol=1e-3)
    assert found["labels"] == LABELS.tolist()
    np.testing.assert_allclose(
        tile(found["sprite"], 17), np.rint(255 * IMAGES[17, :, :, 0]), atol=1
    )


def test_images_without_classes_few_images_and_colour():
    data, _ = built(2, names=())
    assert data["between"]["names"][:2] == ["image 100", "image 101"]
    assert set(data["map"]["labels"]) == {0}
    data, _ = built(2, names=(), images=IMAGES[:1])
    assert data["between"] is None
    assert data["map"]["points"] == {"t-SNE": None, "PCA": None}
    colour = np.repeat(IMAGES, 3, axis=-1)
    assert tile(explorer.sprite(colour), 3).shape == (4, 6, 3)


def test_large_pictures_are_thinned_out():
    assert explorer.small(np.zeros((2, 200, 100, 1))).shape == (2, 50, 25, 1)
    assert explorer.small(np.zeros((2, 64, 28, 1))).shape == (2, 64, 28, 1)


def write(folder, data):
    (folder / "report.md").write_text("# Run\n\nText.\n")
    return html.write(folder, "Run", data)


def test_names_cannot_leave_their_place_in_the_page(tmp_path):
    page = write(tmp_path, built(4)[0]).read_text()
    assert "<b>hat" not in page
    kept = page.partition('id="explorer-data">')[2].partition("</script>")[0]
    assert json.loads(kept)["map"]["names"] == list(NAMES)


def test_a_report_without_explorer_has_no_script(tmp_path):
    assert "<script" not in write(tmp_path, None).read_text()


@pytest.mark.slow
@pytest.mark.parametrize("width", [375, 1280])
def test_in_a_browser(browser, tmp_path, width):
    """By keyboard alone: sliders, choices and the map, each with its picture; no message in the
    console.
    """
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    data, _ = built(4)
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width == 375},
    )
    browser.get(write(tmp_path, data).as_uri())

    def shown(canvas):
        return int(browser.find_element(By.ID, canvas).get_attribute("data-shown"))

    def pixels(canvas):
        url = browser.execute_script(
            "return document.getElementById(arguments[0]).toDataURL()", canvas
        )
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))))

    steps = explorer.STEPS[3]
    middle = sum((steps // 2) * steps**power for power in range(4))
    assert shown("unit-picture") == middle
    before = pixels("unit-picture")
    sliders = browser.find_elements(By.CSS_SELECTOR, "#unit-sliders input")
    assert len(sliders) == 4
    sliders[2].send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert shown("unit-picture") == middle + 2 * steps
    assert not np.array_equal(before, pixels("unit-picture"))
    assert (
        sliders[2].get_attribute("aria-valuetext")
        == f"{data['units']['values'][2][steps // 2 + 2]:.2f}"
    )

    many, _ = built(50)
    browser.get(write(tmp_path, many).as_uri())
    sliders = browser.find_elements(By.CSS_SELECTOR, "#unit-sliders input")
    labels = [
        label.text.split()[1]
        for label in browser.find_elements(By.CSS_SELECTOR, "#unit-sliders label")
    ]
    assert labels == [str(number) for number in many["units"]["numbers"]]
    sliders[20].send_keys(Keys.ARROW_RIGHT)
    assert (
        shown("unit-picture")
        == 20 * len(many["units"]["values"][20]) + many["units"]["start"][20] + 1
    )
    browser.get(write(tmp_path, data).as_uri())

    assert shown("between-picture") == 0
    browser.find_element(By.ID, "between-to").send_keys(Keys.ARROW_DOWN)
    browser.find_element(By.ID, "between-place").send_keys(Keys.END)
    assert shown("between-picture") == 2 * data["between"]["steps"] - 1
    browser.find_element(By.ID, "between-from").send_keys(Keys.END)
    assert shown("between-picture") == 2 * data["between"]["steps"] - 1, (
        "from and to are the same image, the third one"
    )

    area = browser.find_element(By.ID, "map")
    assert "Test image 100: bag" in browser.find_element(By.ID, "map-text").text
    seen = set()
    for key in (
        6 * [Keys.ARROW_RIGHT] + 6 * [Keys.ARROW_UP] + 6 * [Keys.ARROW_LEFT] + 6 * [Keys.ARROW_DOWN]
    ):
        area.send_keys(key)
        seen.add(shown("map-picture"))
    assert len(seen) > 3
    kinds = browser.find_elements(By.CSS_SELECTOR, "#map-kind input")
    place = "return document.querySelector('#map circle').getAttribute('transform')"
    first = browser.execute_script(place)
    kinds[1].send_keys(Keys.SPACE)
    assert browser.execute_script(place) != first
    assert np.ptp(pixels("map-picture")) > 0

    assert browser.get_log("browser") == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
