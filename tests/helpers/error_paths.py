"""What a user may get wrong, at the command line and in Python, and the words that say it.

The files that the rows name are those of `write_files`. Other tables: of the settings of
`tfdvae train` in `unit/config` and `unit/cli`, of images, labels and arrays in
`integration/inputs`, of models in `integration/test_commands.py`.
"""

from pathlib import Path

import numpy as np

from tests.helpers.models import make
from tfdvae.image_io import codec

IMAGES = np.random.default_rng(0).random((12, 8, 6, 1), dtype=np.float32)


def write_files(folder: Path) -> None:
    """Write models, images, arrays and what is none of these."""
    make("dvae", "mlp", (8, 6, 1)).save(folder / "dvae.keras")
    make("dae", "residual_conv", (8, 6, 1)).save(folder / "dae.keras")
    arrays = {
        "in": IMAGES,
        "none": IMAGES[:0],
        "nan": np.full((2, 8, 6), np.nan),
        "words": np.array(["a", "b"]),
        "complex": np.zeros((2, 8, 6), complex),
        "mask": np.eye(8, 6, dtype=bool),
        "pickled": np.array([{}], object),
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    np.savez(folder / "in.npz", images=IMAGES, labels=np.arange(12) % 3)
    np.savez(folder / "unlabelled.npz", x=IMAGES)
    np.savez(folder / "empty.npz")
    for number, image in enumerate(np.rint(255 * IMAGES).astype(np.uint8)):
        for place in (folder / "in" / "ab"[number % 2], folder / "flat"):
            place.mkdir(parents=True, exist_ok=True)
            codec.write(place / f"{number}.png", image)
    texts = {
        "text.txt": "no image",
        "notes/a.txt": "a",
        "list.json": "[]",
        "groups.csv": "image,group\nnothing.png,a\n",
        "bad.csv": "a;b\n",
        "empty.png": "",
        **{f"broken.{suffix}": "broken" for suffix in ("keras", "npz", "npy", "png", "tif")},
        "run/config.json": "{",
        "listed/config.json": "[]",
        "saved/saved_model.pb": "x",
        "classifier.py": (
            "number = 3\ndef wrong(shape): pass\ndef other(shape, classes): return 3\n"
        ),
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    (folder / "empty").mkdir()
    (folder / "mixed").mkdir()
    codec.write(folder / "mixed" / "1.png", np.zeros((8, 6, 1), np.uint8))
    codec.write(folder / "mixed" / "2.png", np.zeros((9, 6, 1), np.uint8))


COMMANDS = (
    ("classify", "Missing from tfdvae classify: --dataset NAME|PATH"),
    ("classify --dataset nowhere --output out", "`dataset` must be one of"),
    ("classify --dataset in --output out --folds 1", "`folds` must be"),
    ("classify --dataset in --output out --classifier-steps 0", "`classifier_steps` must be"),
    ("classify --dataset in --output out --noise 2", "`noise` must be"),
    ("classify --dataset in --output out --metric acuracy", "Did you mean 'accuracy'"),
    ("classify --dataset in --output text.txt", "`output` text.txt is there and is not empty."),
    ("predict", "Missing from tfdvae predict: MODEL"),
    ("predict nowhere in out.csv", "its saved_model; there is no nowhere."),
    ("predict in in out.csv", "with a classifier.keras, or a SavedModel; it is neither."),
    ("predict dvae.keras nowhere out.csv", "`input` nowhere does not exist."),
    ("predict dvae.keras in out.txt", "`output` out.txt must have the suffix .csv."),
    ("predict dvae.keras in bad.csv", "`output` bad.csv exists; --overwrite replaces it."),
    ("denois", "got 'denois'. Did you mean 'denoise' or"),
    ("denoise", "Missing from tfdvae denoise: MODEL"),
    ("denoise dvae.keras", "Missing from tfdvae denoise: INPUT"),
    ("denoise dvae.keras in.npy", "Missing from tfdvae denoise: OUTPUT"),
    ("denoise dvae.keras in.npy out.npy more", "Unrecognized options: more"),
    ("denoise dvae.keras in.npy out.npy --sampels 3", "Unrecognized options: --sampels"),
    ("denoise dvae.keras in.npy out.npy --samples many", "Error parsing --samples"),
    ("denoise dvae.keras in.npy out.npy --samples 1.5", "Error parsing --samples"),
    (
        "denoise dvae.keras in.npy out.npy --samples 1000000000000",
        "`samples` must be a finite number between 1 and 1e+06; got 1000000000000",
    ),
    (
        "denoise dvae.keras in.npy out.npy --samples 100000000000000000000000",
        "`samples` must be a finite number between 1 and 1e+06",
    ),
    (
        "denoise dvae.keras in.npy out.npy --samples 1000001 --uncertainty maps",
        "`samples` must be a finite number between 2 and 1e+06; got 1000001",
    ),
    (
        "denoise dvae.keras in.npy out.npy --white 0",
        "`white` must be a finite number above 0; got 0.0",
    ),
    (
        "denoise dvae.keras in.npy out.npy --white nan",
        "`white` must be a finite number above 0; got nan",
    ),
    (
        "denoise dvae.keras in.npy out.npy --white -1",
        "`white` must be a finite number above 0; got -1.0",
    ),
    ("denoise dvae.keras in.npy out.npy --white auto", "Error parsing --white"),
    (
        "denoise dvae.keras in.npy out.npy --background green",
        "`background` must be one of white, black; got 'green'",
    ),
    (
        "denoise dvae.keras in.npy out.npy --threads 0",
        "`threads` must be a finite number between 1 and 1024; got 0",
    ),
    (
        "denoise dvae.keras in.npy out.npy --threads 100000",
        "`threads` must be a finite number between 1 and 1024; got 100000",
    ),
    ("denoise dvae.keras in.npy out.npy --threads two", "Error parsing --threads"),
    (
        "denoise dvae.keras flat out --part 5/4",
        "`part` must be I/N with I from 1 to N, such as 2/4",
    ),
    (
        "denoise dvae.keras flat out --part 0/4",
        "`part` must be I/N with I from 1 to N, such as 2/4",
    ),
    ("denoise dvae.keras flat out --part 1/1/1", "`part` must be I/N with I from 1 to N"),
    ("denoise dvae.keras flat out --part -1/4", "`part` must be I/N with I from 1 to N"),
    ("denoise dvae.keras in.npy out.npy --part 1/2", "`input` must be a folder for `part`"),
    ("denoise dvae.keras in.npy out.npy --executor ray", "`input` must be a folder for `part`"),
    ("denoise dvae.keras flat out --part 1/2 --executor ray", "`part` is what `executor` ray"),
    ("denoise dvae.keras flat out --part 1/2 --uncertainty maps", "`uncertainty` is of a whole"),
    (
        "denoise dvae.keras flat out --executor ray --uncertainty maps",
        "`uncertainty` is of a whole",
    ),
    ("denoise dvae.keras flat out --executor ray --overwrite", "`overwrite` cannot be had with"),
    ("denoise dvae.keras flat out --executor rey", "`executor` must be one of processes, ray"),
    ("denoise dvae.keras flat out --address auto", "`address` is of a Ray cluster: give"),
    ("denoise dvae.keras in.npy out.png", "`output` out.png must have the suffix .npy"),
    ("denoise dvae.keras in.npy out", "`output` out must have the suffix .npy"),
    ("denoise dvae.keras in.npy out.npz", "`output` out.npz must have the suffix .npy"),
    (
        "denoise dvae.keras in text.txt",
        "`output` text.txt is a file; a folder is needed, as `input` is one",
    ),
    (
        "denoise dvae.keras in in.npy",
        "`output` in.npy is a file; a folder is needed, as `input` is one",
    ),
    (
        "denoise dvae.keras flat/0.png out.npy",
        "`output` out.npy must have the suffix .png or .jpg or .jpeg or .jpe or .jfif",
    ),
    (
        "denoise dvae.keras flat/0.png in",
        "`output` in must have the suffix .png or .jpg or .jpeg or .jpe or .jfif or",
    ),
    (
        "denoise dvae.keras in.npy in.npy",
        "`output` must lie apart from `input`; got in.npy and in.npy",
    ),
    (
        "denoise dvae.keras in.npy nowhere/../in.npy",
        "`output` must lie apart from `input`; got nowhere/../in.npy and in.npy",
    ),
    ("denoise dvae.keras in.npy in.npz", "`output` in.npz must have the suffix .npy"),
    (
        "denoise dvae.keras text.txt out",
        "`output` out must have the suffix .png or .jpg or .jpeg or .jpe or .jfif or",
    ),
    (
        "denoise dvae.keras /dev/null out",
        "`output` out must have the suffix .png or .jpg or .jpeg or .jpe or .jfif or",
    ),
    (
        "denoise dvae.keras /dev/zero out",
        "`output` out must have the suffix .png or .jpg or .jpeg or .jpe or .jfif or",
    ),
    (
        "denoise broken.keras in.npy out.npy",
        "`model` broken.keras is no model that can be loaded: it is no zip file, as",
    ),
    (
        "denoise text.txt in.npy out.npy",
        "`model` text.txt is no model that can be loaded: it is no zip file, as .keras",
    ),
    (
        "denoise in.npy in.npy out.npy",
        "`model` in.npy is no model that can be loaded: it is no zip file, as .keras",
    ),
    (
        "denoise empty in.npy out.npy",
        "`model` empty must be a run folder with a generator.keras, or a SavedModel",
    ),
    (
        "denoise run in.npy out.npy",
        "`model` run must be a run folder with a generator.keras, or a SavedModel; it",
    ),
    (
        "denoise listed in.npy out.npy",
        "`model` listed must be a run folder with a generator.keras, or a SavedModel",
    ),
    (
        "denoise saved in.npy out.npy",
        "`model` saved is no SavedModel that tfdvae exported: it lacks",
    ),
    (
        "denoise clothing-denosier in.npy out.npy",
        "`model` must be a run folder, a .keras file, a SavedModel or one of",
    ),
    (
        "denoise nowhere.keras in.npy out.npy",
        "`model` must be a run folder, a .keras file, a SavedModel or one of",
    ),
    (
        "denoise nowhere/run in.npy out.npy",
        "`model` must be a run folder, a .keras file, a SavedModel or one of",
    ),
    (
        "denoise dvae.keras in.npy /proc/none/out.npy",
        "`output` /proc/none/out.npy cannot be written: No such file or directory",
    ),
    (
        "denoise dvae.keras in.npy text.txt/out.npy",
        "`output` text.txt/out.npy cannot be written: Not a directory",
    ),
    (
        "denoise dvae.keras in.npy out.npy --uncertainty text.txt",
        "`uncertainty` text.txt is a file; a folder is needed",
    ),
    (
        "denoise dvae.keras in out --uncertainty in",
        "`uncertainty` must lie apart from `input`; got in and in",
    ),
    (
        "denoise dvae.keras in out --uncertainty out",
        "`uncertainty` must lie apart from `output`; got out and out",
    ),
    ("denoise --learn", "Missing argument Missing value for argument '--learn'. Expected 1 values"),
    ("denoise --learn in", "Missing from tfdvae denoise --learn: OUTPUT"),
    ("denoise --learn in out more", "Unrecognized options: more"),
    ("denoise --learn in in", "`output` must lie apart from `learn`; got in and in"),
    (
        "denoise --learn in text.txt",
        "`output` text.txt is there and is not empty. Give a new folder",
    ),
    (
        "denoise --learn in out --time soon",
        "`time` must be a number above 0 and s, m or h, such as 10m; got 'soon'",
    ),
    (
        "denoise --learn in out --time 0s",
        "`time` must be a number above 0 and s, m or h, such as 10m; got '0s'",
    ),
    (
        "denoise --learn in out --time -5m",
        "`time` must be a number above 0 and s, m or h, such as 10m; got '-5m'",
    ),
    (
        "denoise --learn in out --time inf",
        "`time` must be a number above 0 and s, m or h, such as 10m; got 'inf'",
    ),
    (
        "denoise --learn in out --time 3",
        "`time` must be a number above 0 and s, m or h, such as 10m; got '3'",
    ),
    (
        "denoise --learn in out --objective best",
        "`objective` must be one of recorrupted, masked, paired; got 'best'",
    ),
    (
        "denoise --learn in out --objective observed",
        "`objective` must be one of recorrupted, masked, paired; got 'observed'",
    ),
    ("denoise --learn in out --noise much", "Error parsing --noise"),
    (
        "denoise --learn in out --noise 0",
        "`noise` must be a finite number between 0 and 1 (above 0); got 0.0",
    ),
    (
        "denoise --learn in out --noise -1",
        "`noise` must be a finite number between 0 and 1 (above 0); got -1.0",
    ),
    (
        "denoise --learn in out --noise nan",
        "`noise` must be a finite number between 0 and 1 (above 0); got nan",
    ),
    (
        "denoise --learn in out --noise 9",
        "`noise` must be a finite number between 0 and 1 (above 0); got 9.0",
    ),
    (
        "denoise --learn in out --patch-size 0",
        "`patch_size` must be a finite number between 16 and 512; got 0",
    ),
    (
        "denoise --learn in out --patch-size 7",
        "`patch_size` must be a finite number between 16 and 512; got 7",
    ),
    (
        "denoise --learn in out --patch-size 100000",
        "`patch_size` must be a finite number between 16 and 512; got 100000",
    ),
    (
        "denoise --learn in out --frames 0",
        "`frames` must be a finite number between 1 and 15; got 0",
    ),
    ("denoise --learn in out --frames 2", "`frames` must be odd, as many before as after; got 2"),
    ("denoise --learn in out --seed -1", "`seed` must be a finite number at least 0; got -1"),
    ("denoise --learn in out --seed x", "Error parsing --seed"),
    (
        "denoise --learn in out --threads 0",
        "`threads` must be a finite number between 1 and 1024; got 0",
    ),
    ("denoise --learn in out --samples 3", "Unrecognized options: --samples"),
    ("augment", "Missing from tfdvae augment: MODEL"),
    ("augment dvae.keras in", "Missing from tfdvae augment: OUTPUT"),
    (
        "augment dvae.keras in out --per-image 0",
        "`per_image` must be a finite number at least 1; got 0",
    ),
    (
        "augment dvae.keras in out --per-image -1",
        "`per_image` must be a finite number at least 1; got -1",
    ),
    ("augment dvae.keras in out --per-image many", "Error parsing --per-image"),
    (
        "augment dvae.keras in out --per-image 100000000000000000000000000000000",
        "`per_image` must be a whole number of at most",
    ),
    (
        "augment dvae.keras in out --seed -1",
        "`seed` must be a finite number between 0 and 9.22337e+18; got -1",
    ),
    (
        "augment dvae.keras in out --seed 99999999999999999999",
        "`seed` must be a finite number between 0 and 9.22337e+18",
    ),
    (
        "augment dvae.keras in text.txt",
        "`output` text.txt is a file; a folder is needed, as `input` is one",
    ),
    ("augment dvae.keras in.npz out", "`output` out must have the suffix .npz"),
    (
        "augment dvae.keras flat/0.png out",
        "`output` out must have the suffix .png or .jpg or .jpeg or .jpe or .jfif or",
    ),
    (
        "augment dvae.keras text.txt out",
        "`output` out must have the suffix .png or .jpg or .jpeg or .jpe or .jfif or",
    ),
    ("augment dvae.keras in in", "`output` must lie apart from `input`; got in and in"),
    ("augment dvae.keras in in/out", "`output` must lie apart from `input`; got in/out and in"),
    ("augment dvae.keras nowhere out", "`input` nowhere does not exist"),
    (
        "augment nowhere in out",
        "`model` must be a run folder, a .keras file, a SavedModel or one of",
    ),
    ("detect", "Missing from tfdvae detect: MODEL"),
    ("detect dvae.keras in", "Missing from tfdvae detect: OUTPUT"),
    ("detect dvae.keras in out.txt", "`output` out.txt must have the suffix .csv"),
    ("detect dvae.keras in out", "`output` out must have the suffix .csv"),
    ("detect dvae.keras in in.npy", "`output` in.npy must have the suffix .csv"),
    ("detect dvae.keras in groups.csv", "`output` groups.csv exists; --overwrite replaces it"),
    ("detect dvae.keras in scores.csv --normal nowhere", "`normal` nowhere does not exist"),
    (
        "detect dvae.keras in scores.csv --normal in --false-positive-rate -1",
        "`false_positive_rate` must be a finite number between 0 and 1; got -1.0",
    ),
    (
        "detect dvae.keras in scores.csv --normal in --false-positive-rate nan",
        "`false_positive_rate` must be a finite number between 0 and 1; got nan",
    ),
    (
        "detect dvae.keras in scores.csv --normal in --false-positive-rate few",
        "Error parsing --false-positive-rate",
    ),
    ("encode dvae.keras in", "Missing from tfdvae encode: OUTPUT"),
    ("encode dvae.keras in codes", "`output` codes must have the suffix .npz"),
    ("encode dvae.keras in codes.npy", "`output` codes.npy must have the suffix .npz"),
    ("encode dvae.keras in in.npz", "`output` in.npz exists; --overwrite replaces it"),
    (
        "encode dvae.keras in nowhere/codes.npz --threads 0",
        "`threads` must be a finite number between 1 and 1024; got 0",
    ),
    (
        "encode nowhere in codes.npz",
        "`model` must be a run folder, a .keras file, a SavedModel or one of",
    ),
    ("impute dvae.keras in", "Missing from tfdvae impute: OUTPUT"),
    ("impute dvae.keras in out --mask nowhere", "`mask` nowhere does not exist"),
    (
        "impute dvae.keras in.npy in.npy --mask mask.npy",
        "`output` must lie apart from `input`; got in.npy and in.npy",
    ),
    (
        "impute nowhere in.npy out.npy --mask mask.npy",
        "`model` must be a run folder, a .keras file, a SavedModel or one of",
    ),
    ("sample", "Missing from tfdvae sample: MODEL"),
    ("sample dvae.keras", "Missing from tfdvae sample: OUTPUT"),
    ("sample dvae.keras in.npy", "`output` in.npy exists; --overwrite replaces it"),
    (
        "sample dvae.keras in",
        "`output` in is not empty; --overwrite replaces what this command made there",
    ),
    ("sample dvae.keras text.txt", "`output` text.txt is a file; a folder is needed"),
    ("sample dvae.keras out --count -1", "`count` must be a finite number at least 1; got -1"),
    ("sample dvae.keras out --count ten", "Error parsing --count"),
    (
        "sample dvae.keras out.npy --count 99999999999999999999999",
        "`count` must be a whole number of at most 9,223, 372,036,854,775,807",
    ),
    (
        "sample dvae.keras out --seed -1",
        "`seed` must be a finite number between 0 and 9.22337e+18; got -1",
    ),
    ("sample dvae.keras out --seed 1e3", "Error parsing --seed"),
    ("sample dvae.keras out --around in", "`around` in is no file"),
    ("sample nowhere out", "`model` must be a run folder, a .keras file, a SavedModel or one of"),
    (
        "sample empty out",
        "`model` empty must be a run folder with a generator.keras, or a SavedModel",
    ),
    ("export", "Missing from tfdvae export: MODEL"),
    ("export nowhere", "`model` must be a run folder, a .keras file, a SavedModel or one of"),
    (
        "export dvae.keras --format tensorrt",
        "`format` must be one of saved_model, onnx; got 'tensorrt'",
    ),
    ("export dvae.keras --output in", "`output` in exists; --overwrite replaces it"),
    ("export dvae.keras --output text.txt", "`output` text.txt exists; --overwrite replaces it"),
    (
        "export dvae.keras --output in.npy --format onnx",
        "`output` in.npy must have the suffix .onnx",
    ),
    (
        "export dvae.keras --output /proc/none/out",
        "`output` /proc/none/out cannot be written: No such file or directory",
    ),
    ("export dvae.keras extra", "Unrecognized options: extra"),
    (
        "export broken.keras",
        "`model` broken.keras is no model that can be loaded: it is no zip file, as",
    ),
    ("export empty", "`model` empty must be a run folder with a generator.keras, or a SavedModel"),
    ("export run", "`model` run must be a run folder with a generator.keras, or a SavedModel; it"),
    ("export saved", "`model` saved is exported already; give the run folder or the .keras file"),
    (
        "export text.txt",
        "`model` text.txt is no model that can be loaded: it is no zip file, as .keras",
    ),
    ("inspect", "Missing from tfdvae inspect: PATH"),
    ("inspect nowhere", "`path` nowhere does not exist"),
    ("inspect text.txt", "`path` text.txt must be a folder, an image"),
    (
        "inspect broken.npz",
        "`path` broken.npz is no file of NumPy arrays, or a damaged one: File is not a",
    ),
    (
        "inspect broken.npy",
        "a damaged one: it begins as no such file does, or holds Python objects",
    ),
    (
        "inspect pickled.npy",
        "a damaged one: it begins as no such file does, or holds Python objects",
    ),
    (
        "inspect words.npy",
        "`path` words.npy must hold images, uint8, uint16 or floats (H, W), (N, H, W)",
    ),
    ("inspect dvae.keras", "`path` dvae.keras must be a folder, an image"),
    ("inspect in --figure out.txt", "`figure` must end in .png; got out.txt"),
    (
        "inspect in --figure text.txt/x.png",
        "`figure` text.txt/x.png cannot be written: Not a directory",
    ),
    ("inspect in --colour", "Unrecognized options: --colour"),
    ("inspect in flat", "Unrecognized options: flat"),
    ("inspect /dev/null", "`path` /dev/null must be a folder or a file; it is neither"),
    ("models extra", "Unrecognized options: extra"),
    ("networks --all", "Unrecognized options: --all"),
    ("corruptions gaussian", "Unrecognized options: gaussian"),
    ("recipes conv-dae", "Unrecognized options: conv-dae"),
    (
        "study",
        "Missing subcommand Expected one of {list, augmentation, denoising, few-labels, noise",
    ),
    (
        "study nonsense",
        "`study` must be one of list, augmentation, denoising, few-labels, noise, noisy-alone",
    ),
    (
        "study augmentatoin",
        "`study` must be one of list, augmentation, denoising, few-labels, noise, noisy-alone",
    ),
    ("study list more", "Unrecognized options: more"),
    (
        "study noise --cell nonsense --dataset digits",
        "`cell` must be one of 33 names; got 'nonsense'",
    ),
    (
        "study noise --dataset ./nowhere",
        "`dataset` nowhere must be a folder of images or an .npz file; there is",
    ),
    ("study noise --seeds", "`seeds` must be one or more, none of them twice; got ()"),
    ("study noise --seeds 1 1", "`seeds` must be one or more, none of them twice; got (1, 1)"),
    ("study noise --seeds -1", "`seeds` must be a finite number between 0 and 9.22337e+18; got -1"),
    ("study noise --seeds one", "Error parsing --seeds"),
    ("study noise --workers 0", "`workers` must be a finite number at least 1; got 0"),
    ("study noise --workers two", "Error parsing --workers"),
    ("study noise --threads 0", "`threads` must be a finite number between 1 and 1024; got 0"),
    (
        "study noise --threads 100000",
        "`threads` must be a finite number between 1 and 1024; got 100000",
    ),
    ("study noise --executor slurm", "`executor` must be one of processes, ray; got 'slurm'"),
    ("study noise --address localhost:1", "`address` is of a Ray cluster: give `executor` ray too"),
    ("study noise --targets clean", "`targets` must be one of corrupted, observed; got 'clean'"),
    (
        "study noise --targets corrupted corrupted",
        "`targets` must be one or more, none of them twice",
    ),
    ("study noise --epochs 0", "`epochs` must be a finite number at least 1; got 0"),
    ("study noise --data-dir nowhere", "`data_dir` nowhere is not a folder"),
    (
        "study noise --dataset digits --output text.txt",
        "`output` text.txt is a file; a folder is needed",
    ),
    ("study noise --dataset digits --output run", "run/config.json is not valid JSON"),
    (
        "study noise --dataset digits --output listed",
        "listed/config.json is damaged: it must hold an object",
    ),
    ("study noise --config nowhere.yaml", "`config` nowhere.yaml is not a file"),
    (
        "study noise --config list.json",
        "`config` list.json must hold names and values, such as `epochs: 20`",
    ),
    (
        "study noise --config broken.npz",
        "`config` broken.npz must hold names and values, such as `epochs: 20`",
    ),
    ("study denoising --seeds 1 1", "`seeds` must be one or more, none of them twice; got (1, 1)"),
    ("study denoising --epochs 0", "`epochs` must be a finite number at least 1; got 0"),
    ("study denoising --nonsense 1", "Unrecognized options: --nonsense"),
    (
        "study denoising --dataset ./nowhere",
        "`dataset` nowhere must be a folder of images or an .npz file; there is",
    ),
    ("study uses --seeds -1", "`seeds` must be a finite number between 0 and 9.22337e+18; got -1"),
    ("study uses --nonsense 1", "Unrecognized options: --nonsense"),
    (
        "study uses --dataset ./nowhere",
        "`dataset` nowhere must be a folder of images or an .npz file; there is",
    ),
    (
        "study uses --uses nothing",
        "`uses` must be one of imputation, probe, compression, anomaly-one",
    ),
    (
        "study noisy-alone --seeds -1",
        "`seeds` must be a finite number between 0 and 9.22337e+18; got -1",
    ),
    ("study noisy-alone --pictures nowhere", "`pictures` and `truth` must be given together"),
    ("study noisy-alone --pictures empty", "`pictures` and `truth` must be given together"),
    (
        "study noisy-alone --photographs nowhere",
        "`photographs` and `photographs_test` must be given together",
    ),
    (
        "study noisy-alone --pictures in --photographs in",
        "`pictures` and `truth` must be given together",
    ),
    ("study noisy-alone --nonsense 1", "Unrecognized options: --nonsense"),
    (
        "study augmentation --sets dvae --dataset digits",
        "`reference` must be one of `sets`, dvae; got limited",
    ),
    (
        "study augmentation --sets limited limited",
        "`sets` must be one or more, none of them twice; got ('limited', 'limited')",
    ),
    (
        "study augmentation --sets limited nonsense",
        "`sets` must be one of limited, duplicate, gaussian, classical",
    ),
    (
        "study augmentation --sets limited dvae --reference vae --dataset digits",
        "`reference` must be one of `sets`",
    ),
    (
        "study augmentation --conditions dirty",
        "`conditions` must be one of clean, noisy; got 'dirty'",
    ),
    (
        "study augmentation --conditions clean --sets limited denoised --dataset digits",
        "`conditions` must hold noisy with `sets` denoised",
    ),
    (
        "study augmentation --protocols equal",
        "`protocols` must be one of equal_steps, equal_epochs",
    ),
    (
        "study augmentation --metric f1",
        "`metric` must be one of accuracy, balanced_accuracy, auc, kappa",
    ),
    (
        "study augmentation --metric sensitivity@2",
        "`metric` must be sensitivity@SPECIFICITY, such as sensitivity@0.9, with a",
    ),
    (
        "study augmentation --metric sensitivity@high",
        "`metric` must be sensitivity@SPECIFICITY, such as sensitivity@0.9, with a",
    ),
    ("study augmentation --schedule linear", "`schedule` must be one of constant, cosine"),
    ("study augmentation --label-smoothing 1", "`label_smoothing` must be a finite number betwee"),
    (
        "study augmentation --precision float8",
        "`precision` must be one of auto, float32, bfloat16, float16",
    ),
    (
        "study augmentation --test-noise 0.1",
        "`test_noise` must begin with 0, the clean images; got gaussian:0.1",
    ),
    (
        "study augmentation --test-noise 0 2",
        "`test_noise` must be a finite number between 0 and 1; got 2.0",
    ),
    (
        "study augmentation --test-noise 0 0.1 --other-noise 0.1",
        "`other_noise` must hold none of `test_noise`; both hold gaussian:0.1",
    ),
    (
        "study augmentation --train-noise 0",
        "`train_noise` must be single corruptions with a level above 0; got none",
    ),
    (
        "study augmentation --train-noise masking:0.1 --sets limited denoised",
        "`train_noise` must be gaussian:LEVEL with `sets` denoised; got masking:0.1",
    ),
    (
        "study augmentation --train-noise one_of:0.1",
        "`train_noise` must be one of none, gaussian, clipped_gaussian, speckle",
    ),
    (
        "study augmentation --assumed-noise 0",
        "`assumed_noise` must be a finite number above 0; got 0.0",
    ),
    (
        "study augmentation --assumed-noise nan",
        "`assumed_noise` must be a finite number above 0; got nan",
    ),
    (
        "study augmentation --train-noise masking:0.1 --denoise-at-test",
        "`train_noise` must be gaussian:LEVEL with `denoise_at_test`; got masking:0.1",
    ),
    (
        "study augmentation --denoise-at-test --development",
        "`denoise_at_test` cannot be given with `development`",
    ),
    (
        "study augmentation --assumed-noise automatic",
        "`assumed_noise` must be a factor above 0, or auto; got 'automatic'",
    ),
    (
        "study augmentation --assumed-noise 20 --sets limited denoised",
        "`assumed_noise` must leave the noise at most 1",
    ),
    ("study augmentation --epochs 0", "`epochs` must be a finite number at least 1; got 0"),
    ("study augmentation --latent-dim 0", "`latent_dim` must be a finite number at least 1; got 0"),
    (
        "study augmentation --classifier-steps 0",
        "`classifier_steps` must be a finite number at least 1; got 0",
    ),
    (
        "study augmentation --classifier-epochs 0",
        "`classifier_epochs` must be a finite number at least 1; got 0",
    ),
    (
        "study augmentation --denoiser-steps 0",
        "`denoiser_steps` must be a finite number at least 1; got 0",
    ),
    ("study augmentation --n-train 0", "`n_train` must be a finite number at least 1; got 0"),
    (
        "study augmentation --dataset digits --image-size 8",
        "`image_size` is for a `dataset` that is a folder of images",
    ),
    (
        "study augmentation --dataset digits --groups groups.csv",
        "`groups` is for a `dataset` that is a folder of images or an .npz file",
    ),
    (
        "study augmentation --dataset in --groups groups.csv",
        "`groups` must name each image of `dataset` and no other; it lacks 12",
    ),
    (
        "study augmentation --dataset in --groups bad.csv",
        "`groups` bad.csv must have the columns image and group, once each; got a;b",
    ),
    (
        "study augmentation --dataset in --groups nowhere.csv",
        "`groups` must be a CSV file; there is no nowhere.csv",
    ),
    (
        "study augmentation --dataset flat",
        "without class folders, so no labels; `tfdvae train --no-classifier` does without",
    ),
    (
        "study augmentation --dataset empty",
        "holds no images (.png, .jpg, .jpeg, .jpe, .jfif, .bmp, .tif, .tiff, .webp",
    ),
    (
        "study augmentation --dataset text.txt",
        "`dataset` text.txt must be a folder of images or an .npz file; it is neither",
    ),
    (
        "study augmentation --dataset mixed",
        "without class folders, so no labels; `tfdvae train --no-classifier` does without",
    ),
    (
        "study augmentation --dataset broken.npz",
        "is no .npz file, or a truncated or damaged one: File is not a zip file",
    ),
    (
        "study augmentation --dataset unlabelled.npz",
        "lacks x_train, y_train (or the names train_images, train_labels, test_images",
    ),
    (
        "study augmentation --dataset in --metric auc --white 0",
        "`white` must be a finite number above 0; got 0.0",
    ),
    (
        "study augmentation --dataset in --background green",
        "`background` must be one of white, black; got 'green'",
    ),
    ("train --config nowhere.yaml", "`config` nowhere.yaml is not a file"),
    ("train --config empty", "`config` empty is not a file"),
    (
        "train --config broken.npz",
        "`config` broken.npz must hold names and values, such as `epochs: 20`",
    ),
    (
        "train --config list.json",
        "`config` list.json must hold names and values, such as `epochs: 20`",
    ),
    ("train --recipe nonsense", "`recipe` must be one of opengenus, conv-dae; got 'nonsense'"),
    ("train --resume text.txt", "`resume` text.txt is not a run folder: it has no config.json"),
    ("train --resume run", "run/config.json is not valid JSON"),
    ("train --resume empty", "`resume` empty is not a run folder: it has no config.json"),
    ("train --resume nowhere", "`resume` nowhere is not a run folder: it has no config.json"),
    ("train --resume run --epochs 3", "run/config.json is not valid JSON"),
    ("train --output text.txt --dataset digits", "`output` text.txt is a file; a folder is needed"),
    (
        "train --output in --dataset digits",
        "`output` in is not empty, and is not a run folder. Give a new folder",
    ),
    (
        "train --init-from nowhere --dataset digits",
        "`init_from` nowhere must be a run folder with a generator.keras, or a .keras",
    ),
    (
        "train --dataset digits --noise 0",
        "`noise` must be a finite number between 0 and 1 (above 0); got 0.0",
    ),
    (
        "train --dataset digits --noise much",
        "`noise` must be a standard deviation between 0 and 1, or auto; got 'much'",
    ),
    (
        "train --dataset digits --noise 0.1 --noisy-train",
        "`noise` is for images that are noisy by themselves, of which no clean ones",
    ),
    (
        "train --dataset digits --noise 0.1 --noisy-dir in",
        "`noise` is for images that are noisy by themselves, of which no clean ones",
    ),
    ("train --dataset digits --patience 0", "`patience` must be a finite number at least 1; got 0"),
    ("train --dataset digits --patience 1.5", "Error parsing --patience"),
    (
        "train --dataset digits --batch-size 0",
        "`batch_size` must be a finite number at least 1; got 0",
    ),
    ("train --dataset digits --seed 1.5", "Error parsing --seed"),
    (
        "train --dataset digits --threads 100000",
        "`threads` must be a finite number between 1 and 1024; got 100000",
    ),
    ("train --dataset digits --beta -1", "`beta` must be a finite number at least 0; got -1.0"),
    (
        "train --dataset digits --beta-warmup 100",
        "`beta_warmup` must not exceed `epochs` (60); got 100",
    ),
    (
        "train --dataset digits --classifier-steps 0",
        "`classifier_steps` must be a finite number at least 1; got 0",
    ),
    (
        "train --dataset digits --classifier-epochs 0 --protocol equal_epochs",
        "`classifier_epochs` must be a finite number at least 1; got 0",
    ),
    (
        "train --dataset digits --samples-per-image 0",
        "`samples_per_image` must be a finite number at least 1; got 0",
    ),
    (
        "train --dataset digits --corruption-samples 0",
        "`corruption_samples` must be a finite number at least 1; got 0",
    ),
    (
        "train --dataset digits --latent-samples 0",
        "`latent_samples` must be a finite number at least 1; got 0",
    ),
    (
        "train --dataset digits --sampling best",
        "`sampling` must be one of posterior, prior; got 'best'",
    ),
    (
        "train --dataset digits --white 5",
        "`white` is for a `dataset` that is a folder of images or an .npz file",
    ),
    (
        "train --dataset digits --background white",
        "`background` is for a `dataset` that is a folder of images",
    ),
    ("train --dataset digits --groups groups.csv", "Unrecognized options: --groups"),
    ("train --dataset in --white 0", "`white` must be a finite number above 0; got 0.0"),
    ("train --dataset in --white bright", "`white` must be a number above 0 or auto; got 'bright'"),
    ("train --dataset in --n-train 1000", "`n_train` must not exceed the 10 training images of"),
    (
        "train --dataset in --image-size 9000",
        "`image_size` must be a finite number between 1 and 8192; got 9000",
    ),
    (
        "train --dataset flat",
        "without class folders, so no labels; `tfdvae train --no-classifier` does without",
    ),
    (
        "train --dataset empty",
        "holds no images (.png, .jpg, .jpeg, .jpe, .jfif, .bmp, .tif, .tiff, .webp",
    ),
    (
        "train --dataset notes",
        "holds no images (.png, .jpg, .jpeg, .jpe, .jfif, .bmp, .tif, .tiff, .webp",
    ),
    (
        "train --dataset text.txt",
        "`dataset` text.txt must be a folder of images or an .npz file; it is neither",
    ),
    (
        "train --dataset mixed --no-classifier",
        "holds images of different sizes: 1.png has 8x6 and 2.png has 9x6. Give",
    ),
    (
        "train --dataset broken.npz",
        "is no .npz file, or a truncated or damaged one: File is not a zip file",
    ),
    (
        "train --dataset empty.npz",
        "lacks x_train, y_train (or the names train_images, train_labels, test_images",
    ),
    (
        "train --dataset unlabelled.npz",
        "lacks x_train, y_train (or the names train_images, train_labels, test_images",
    ),
    (
        "train --dataset in.npy",
        "`dataset` in.npy must be a folder of images or an .npz file; it is neither",
    ),
    (
        "train --dataset in --noisy-dir empty --no-classifier --model dae",
        "holds no images (.png, .jpg, .jpeg, .jpe, .jfif, .bmp, .tif, .tiff, .webp",
    ),
    (
        "train --dataset in --noisy-dir flat --no-classifier --model dae",
        "`dataset` must have an image for each one of `noisy_dir`; it lacks 12: 0, 1",
    ),
    (
        "train --network unet --model dvae",
        "`network` unet is for ae and dae: it has no code that could be a distribution",
    ),
    (
        "train --network strided_conv --dataset in --no-classifier",
        "network strided_conv must have images whose height and width are multiples of",
    ),
    (
        "train --noisy-train --train-noise nonsense:1",
        "`train_noise` must be one of none, gaussian, clipped_gaussian, speckle",
    ),
    (
        "train --noisy-train --train-noise gaussian",
        "`train_noise` must be kind:level with a number as level, such as gaussian:0.1",
    ),
    (
        "train --corruption gaussian:0.1:0.2",
        "`corruption` must be kind:level with a number as level, such as gaussian:0.1",
    ),
    (
        "train --likelihood laplace",
        "`likelihood` must be one of bernoulli, gaussian, linear, mse; got 'laplace'",
    ),
    (
        "train --likelihood gaussian:-1",
        "`likelihood` must be bernoulli, mse, or gaussian:SIGMA or linear:SIGMA, with",
    ),
    ("denoise dvae.keras in.npy out.npy --overwrite=yes", "Unrecognized options: yes"),
    ("denoise dvae.keras in.npy out.npy --seed 3", "Unrecognized options: --seed"),
    ("classify --dataset in", "Missing from tfdvae classify: --output"),
    (
        "classify --dataset ./nowhere --output new",
        "`dataset` nowhere must be a folder of images or an .npz file; there is nothing",
    ),
    ("classify --dataset flat --output new", "has images without class folders, so no labels"),
    ("classify --dataset empty --output new", "holds no images"),
    (
        "classify --dataset text.txt --output new",
        "`dataset` text.txt must be a folder of images or an .npz file; it is neither",
    ),
    ("classify --dataset in --output in", "`output` must lie apart from `dataset`; got in and in"),
    (
        "classify --dataset in --output new --seed -1",
        "`seed` must be a finite number between 0 and",
    ),
    (
        "classify --dataset in --output new --threads 0",
        "`threads` must be a finite number between 1 and 1024; got 0",
    ),
    ("classify --dataset unlabelled.npz --output new", "lacks x_train, y_train (or the names"),
    ("classify --dataset in --output new --nonsense", "Unrecognized options: --nonsense"),
    ("predict in", "Missing from tfdvae predict: INPUT"),
    ("predict in in", "Missing from tfdvae predict: OUT.csv"),
    (
        "predict empty in out.csv",
        "`model` empty must be the folder of `tfdvae classify`, with a classifier.keras",
    ),
    (
        "predict text.txt in out.csv",
        "`model` text.txt must be a classifier of `tfdvae classify`; it is none, or a",
    ),
    (
        "predict dvae.keras in out.csv",
        "`model` dvae.keras must be a classifier of `tfdvae classify`; it is none, or a",
    ),
    (
        "train --distribute all",
        "`distribute` must be one of none, mirrored, multiworker; got 'all'",
    ),
    (
        "train --distribute multiworker --dataset digits",
        "`output` must be given with `distribute` multiworker",
    ),
    ("train --distribute mirrored --patience 3", "`patience` cannot be given with `distribute`"),
    (
        "train --distribute multiworker --dataset digits --output new",
        "`distribute` multiworker needs the environment variable TF_CONFIG with two",
    ),
)
"""Arguments of `tfdvae`, and words of the message; the exit status is 2."""

SLOWER = (
    ("classify --dataset flat --output out", "has images without class folders, so no labels"),
    ("classify --dataset in --output notes", "`output` notes is there and is not empty."),
    ("classify --dataset in --output in/out", "`output` must lie apart from `dataset`"),
    ("classify --dataset in --output out --groups groups.csv", "`groups` must name each image"),
    (
        "classify --dataset in --output out --n-train 13",
        "`n_train` must not exceed the 12 training",
    ),
    (
        "classify --dataset in --output out --n-train 1",
        "`folds` need two images of a class; the largest class has 1 (`n_train` 1).",
    ),
    ("classify --dataset unlabelled.npz --output out", "unlabelled.npz lacks "),
    ("classify --dataset in --output out --white 3", "above the white of 3"),
    ("predict saved in out.csv", "saved must be a classifier of `tfdvae classify`; it is none"),
    ("predict broken.keras in out.csv", "must be a classifier of `tfdvae classify`; it is none"),
    ("nonsense", "got 'nonsense'. Did you mean 'denoise'"),
    ("train extra", "Unrecognized options: extra"),
    ("denoise dvae.keras empty out", "`input` empty holds no images"),
    ("denoise dvae.keras notes out", "`input` notes holds no images"),
    (
        "denoise dvae.keras broken.png out.png",
        "broken.png holds no image that can be used: the image broken.png cannot be",
    ),
    (
        "denoise dvae.keras empty.png out.png",
        "empty.png holds no image that can be used: the image empty.png cannot be",
    ),
    (
        "denoise dvae.keras broken.tif out.tif",
        "broken.tif holds no image that can be used: the image broken.tif cannot be",
    ),
    (
        "denoise dvae.keras broken.npy out.npy",
        "a damaged one: it begins as no such file does, or holds Python objects",
    ),
    (
        "denoise dvae.keras broken.npz out.npz",
        "`input` broken.npz is no file of NumPy arrays, or a damaged one: File is not",
    ),
    (
        "denoise dvae.keras none.npy out.npy",
        "`input` none.npy must hold images, uint8, uint16 or floats (H, W), (N, H, W)",
    ),
    (
        "denoise dvae.keras empty.npz out.npz",
        "`input` empty.npz must hold images, uint8, uint16 or floats (N, H, W) or (N",
    ),
    (
        "denoise dvae.keras words.npy out.npy",
        "`input` words.npy must hold images, uint8, uint16 or floats (H, W), (N, H, W)",
    ),
    (
        "denoise dvae.keras complex.npy out.npy",
        "`input` complex.npy must hold images, uint8, uint16 or floats (H, W), (N, H",
    ),
    (
        "denoise dvae.keras pickled.npy out.npy",
        "a damaged one: it begins as no such file does, or holds Python objects",
    ),
    (
        "denoise dvae.keras nan.npy out.npy",
        "nan, row 0: `images` must be finite; it holds NaN or infinite values",
    ),
    (
        "denoise clothing-dvae in.npy out.npy",
        "in, row 0: `images` must be 28x28, as those that the model was trained on",
    ),
    (
        "denoise dae.keras in.npy out.npy --uncertainty maps",
        "only a VAE or DVAE has a posterior, from which images could be drawn; an AE",
    ),
    ("denoise --learn nowhere out", "`learn` nowhere does not exist"),
    (
        "augment dvae.keras in.npy out.npy",
        "`input` in.npy must hold images and labels, x_train and y_train or",
    ),
    (
        "augment dvae.keras unlabelled.npz out.npz",
        "`input` unlabelled.npz must hold images and labels, x_train and y_train or",
    ),
    ("detect dvae.keras in scores.csv --normal empty", "`normal` empty holds no images"),
    (
        "detect dvae.keras in scores.csv --normal text.txt",
        "`normal` text.txt must be a folder, an image",
    ),
    (
        "detect dvae.keras in scores.csv --normal none.npy",
        "`normal` none.npy must hold images, uint8, uint16 or floats (H, W), (N, H, W)",
    ),
    (
        "detect dvae.keras in scores.csv --normal nan.npy",
        "nan, row 0: `images` must be finite; it holds NaN or infinite values",
    ),
    ("detect dvae.keras empty scores.csv", "`input` empty holds no images"),
    (
        "detect dvae.keras nan.npy scores.csv",
        "nan, row 0: `images` must be finite; it holds NaN or infinite values",
    ),
    ("encode dvae.keras empty codes.npz", "`input` empty holds no images"),
    (
        "encode dvae.keras nan.npy codes.npz",
        "nan, row 0: `images` must be finite; it holds NaN or infinite values",
    ),
    ("impute dvae.keras in out", "`mask` is needed for image files, whose pixels cannot be NaN"),
    ("impute dvae.keras in out --mask empty", "`mask` empty holds no images"),
    (
        "impute dvae.keras in out --mask text.txt",
        "the image text.txt cannot be read: it is no PNG, JPEG, BMP, TIFF, WebP, GIF",
    ),
    (
        "impute dvae.keras in out --mask in.npy",
        "`mask` must be arrays where `input` is, and images where it is",
    ),
    (
        "impute dvae.keras in out --mask broken.png",
        "the image broken.png cannot be read: it is no PNG, JPEG, BMP, TIFF, WebP, GIF",
    ),
    ("study noise --dataset nowhere", "`dataset` must be one of"),
    (
        "study augmentation --n-train 2000 --dataset digits",
        "`n_train` must not exceed the 1,438 training images of digits; got 2,000",
    ),
    (
        "study augmentation --n-train 5 --dataset digits",
        "`n_train` must leave 3 images of each class at least; 5 images leave fewer of",
    ),
    (
        "study augmentation --dataset digits --classifier nonsense",
        "`classifier` must be module:function, as my_networks:build; got 'nonsense'",
    ),
    (
        "study augmentation --dataset digits --classifier nowhere:build",
        "`classifier` nowhere:build: there is no module nowhere",
    ),
    (
        "study augmentation --dataset digits --classifier classifier:nothing",
        "`classifier` must be one of classifier:wrong, classifier:other",
    ),
    (
        "study augmentation --dataset digits --classifier classifier:number",
        "`classifier` classifier:number must be a function; got int",
    ),
    (
        "study augmentation --dataset digits --classifier classifier:wrong",
        "`classifier`: classifier:wrong((28, 28, 1), 10) raised TypeError: wrong()",
    ),
    (
        "study augmentation --dataset digits --classifier classifier:other",
        "`classifier` classifier:other must return a keras.Model; got builtins.int",
    ),
    (
        "study augmentation --dataset digits --output text.txt --quick",
        "`output` text.txt is a file; a folder is needed",
    ),
    (
        "study augmentation --dataset digits --cell nonsense",
        "`cell` must be one of 160 names; got 'nonsense'",
    ),
    ("train --resume listed", "listed/config.json is damaged: it must hold an object"),
    (
        "train --init-from dvae.keras --dataset digits",
        "does not fit: it is a DVAE for images 8x6x1 with a code of 3, 6+5 layers and",
    ),
    (
        "train --init-from broken.keras --dataset digits",
        "is no model that can be loaded: it is no zip file, as .keras files are, or a",
    ),
    (
        "train --init-from text.txt --dataset digits",
        "is no model that can be loaded: it is no zip file, as .keras files are, or a",
    ),
    (
        "train --dataset digits --latent-dim 1000000000000",
        "network mlp has 386,000,000,234,768 parameters for images of 28x28",
    ),
    ("train --dataset digits --epochs 1e3", "Error parsing --epochs"),
    (
        "train --dataset digits --samples-per-image 1000000000000",
        "`samples_per_image` 1,000,000,000,000 would take about 4.51 EB",
    ),
    (
        "train --likelihood gaussian:nan",
        "`likelihood` must be bernoulli, mse, or gaussian:SIGMA or linear:SIGMA, with",
    ),
    (
        "impute dvae.keras in.npy out.npy --mask in",
        "`mask` must be arrays where `input` is, and images where it is; got in for in.npy",
    ),
    (
        "impute dvae.keras in.npy out.npy --mask words.npy",
        "`mask` words.npy must have shape (12, H, W) or (H, W); got (2,)",
    ),
    (
        "impute dvae.keras in.npy out.npy --mask none.npy",
        "`mask` none.npy must have shape (12, H, W) or (H, W); got (0, 8, 6)",
    ),
    (
        "impute dvae.keras in.npy out.npy --mask broken.npy",
        "`mask` broken.npy is no file of NumPy arrays, or a damaged one",
    ),
    (
        "impute dvae.keras in.npy out.npy --mask nan.npy",
        "`mask` nan.npy must have shape (12, H, W) or (H, W); got (2, 8, 6)",
    ),
    (
        "impute dvae.keras nan.npy out.npy",
        "nan, row 0: `mask` must leave a known pixel in each image; it has none",
    ),
    ("sample dvae.keras new --count 1000000000000", "`count` 1,000,000,000,000 would take about"),
    (
        "sample dvae.keras out.npy --count 1000000000000",
        "`count` 1,000,000,000,000 would take about 384 TB in out.npy, where",
    ),
    ("sample dvae.keras new --around text.txt", "text.txt cannot be read"),
    ("sample dvae.keras new --around broken.png", "broken.png cannot be read"),
    ("sample dvae.keras new --around in.npy", "in.npy cannot be read"),
    ("sample dae.keras new", "only a VAE or DVAE has a prior to be sampled; an AE or DAE has none"),
    (
        "sample dae.keras new --around flat/0.png",
        "only a VAE or DVAE has a posterior, from which images could be drawn",
    ),
    (
        "augment dvae.keras in new --per-image 1000000000000",
        "`per_image` 1,000,000,000,000 would take about",
    ),
    ("augment dvae.keras empty new", "`input` empty holds no images"),
    (
        "augment clothing-dvae in new",
        "`images` must be 28x28, as those that the model was trained on",
    ),
)
"""The same, where a model or a dataset is read first."""

CALLS = (
    ("tfdvae.load(5)", TypeError, "`model` must be a path, a name, or a DAE, VAE or DVAE; got int"),
    (
        "tfdvae.load(None)",
        TypeError,
        "`model` must be a path, a name, or a DAE, VAE or DVAE; got NoneType",
    ),
    (
        'tfdvae.load("nowhere")',
        FileNotFoundError,
        "`model` must be a run folder, a .keras file, a SavedModel or one of",
    ),
    (
        'tfdvae.load("empty")',
        ValueError,
        "`model` empty must be a run folder with a generator.keras, or a SavedModel",
    ),
    (
        'tfdvae.load("broken.keras")',
        ValueError,
        "`model` broken.keras is no model that can be loaded: it is no zip file, as",
    ),
    (
        'tfdvae.load("saved")',
        ValueError,
        "`model` saved is no SavedModel that tfdvae exported: it lacks",
    ),
    ("tfdvae.nothing", AttributeError, "module 'tfdvae' has no attribute 'nothing'"),
    ('dvae.denoise("in.npy")', TypeError, "`images` must be uint8, uint16 or floats in [0, 1]"),
    (
        "dvae.denoise(images[0, 0, 0, 0])",
        ValueError,
        "`images` must have shape (H, W), (N, H, W) or (N, H, W, 1); got ()",
    ),
    (
        "dvae.denoise(images[..., 0, 0])",
        ValueError,
        "`images` must be 8x6, as those that the model was trained on; got 12x8",
    ),
    (
        "dvae.denoise(images * 1j)",
        TypeError,
        "`images` must be uint8, uint16 or floats in [0, 1]; got complex64",
    ),
    (
        "dvae.denoise(images - np.inf)",
        ValueError,
        "`images` must be finite; image 0 and 11 more hold NaN or infinite values",
    ),
    (
        "dvae.denoise(images * np.nan)",
        ValueError,
        "`images` must be finite; image 0 and 11 more hold NaN or infinite values",
    ),
    (
        "dvae.denoise(images * 300)",
        ValueError,
        "`images` must be images scaled to [0, 1], which noise may exceed; got values",
    ),
    (
        "dvae.denoise(images[:, :4])",
        ValueError,
        "`images` must be 8x6, as those that the model was trained on; got 4x6",
    ),
    (
        "dvae.denoise(np.repeat(images, 3, -1))",
        ValueError,
        "`images` must have 1 channel, as the model has; got 3",
    ),
    (
        "dvae.denoise(images[:0])",
        ValueError,
        "`images` must hold at least one image of at least one pixel; got shape (0, 8",
    ),
    (
        "dvae.denoise(images, samples=0)",
        ValueError,
        "`samples` must be a finite number between 1 and 1e+06; got 0",
    ),
    (
        "dvae.denoise(images, samples=1.5)",
        TypeError,
        "`samples` must be a whole number; got 1.5 (float)",
    ),
    (
        "dvae.denoise(images, samples=10**12)",
        ValueError,
        "`samples` must be a finite number between 1 and 1e+06; got 1000000000000",
    ),
    (
        'dvae.denoise(images, samples="2")',
        TypeError,
        "`samples` must be a whole number; got '2' (str)",
    ),
    (
        "dvae.denoise(images, samples=2, seed=-1)",
        ValueError,
        "`seed` must be a finite number between 0 and 9.22337e+18; got -1",
    ),
    (
        "dvae.denoise([])",
        ValueError,
        "`images` must have shape (H, W), (N, H, W) or (N, H, W, 1); got (0,)",
    ),
    (
        "dvae.denoise(None)",
        TypeError,
        "`images` must be uint8, uint16 or floats in [0, 1]; got object",
    ),
    (
        "dvae.encode(images[:, :4])",
        ValueError,
        "`images` must be 8x6, as those that the model was trained on; got 4x6",
    ),
    ('dvae.encode("in.npy")', TypeError, "`images` must be uint8, uint16 or floats in [0, 1]"),
    ("dvae.decode(np.zeros((2, 5)))", ValueError, "`codes` must have shape (N, 3); got (2, 5)"),
    (
        "dvae.decode(np.full((2, 3), np.nan))",
        ValueError,
        "`codes` must be finite; got NaN or infinite values",
    ),
    ("dvae.sample(0)", ValueError, "`count` must be a finite number at least 1; got 0"),
    ("dvae.sample(-1)", ValueError, "`count` must be a finite number at least 1; got -1"),
    ("dvae.sample(1.5)", TypeError, "`count` must be a whole number; got 1.5 (float)"),
    ("dvae.sample(10**12)", ValueError, "`count` 1,000,000,000,000 would take 384 TB"),
    ("dvae.sample(2, seed=-1)", ValueError, "`seed` must be a finite number at least 0; got -1"),
    ("dvae.sample(2, seed=0.5)", TypeError, "`seed` must be a whole number; got 0.5 (float)"),
    (
        "dvae.sample_around(images, count=0)",
        ValueError,
        "`count` must be a finite number at least 1; got 0",
    ),
    (
        "dvae.sample_around(images, count=10**12)",
        ValueError,
        "`count` 1,000,000,000,000 would take 4.61 PB",
    ),
    (
        "dvae.sample_around(images[:, :4])",
        ValueError,
        "`images` must be 8x6, as those that the model was trained on; got 4x6",
    ),
    (
        "dvae.uncertainty(images, samples=1)",
        ValueError,
        "`samples` must be a finite number between 2 and 1e+06; got 1",
    ),
    (
        "dvae.uncertainty(images, samples=10**12)",
        ValueError,
        "`samples` must be a finite number between 2 and 1e+06; got 1000000000000",
    ),
    (
        "dvae.impute(images, np.zeros((3, 8, 6), bool))",
        ValueError,
        "`missing` must have shape (H, W) or (N, H, W) for `images` (12, 8, 6, 1); got",
    ),
    ('dvae.impute(images, "mask")', TypeError, "`missing` must be boolean; got dtype <U4"),
    (
        "dvae.impute(images, np.ones((8, 6), bool))",
        ValueError,
        "`missing` must leave a known pixel in each image; image 0 and 11 more have",
    ),
    (
        "dvae.impute(images, np.full((8, 6), 2))",
        TypeError,
        "`missing` must be boolean; got dtype int64",
    ),
    (
        "dvae.anomaly_scores(images[:, :4])",
        ValueError,
        "`images` must be 8x6, as those that the model was trained on; got 4x6",
    ),
    (
        "dvae.detect(images, images, false_positive_rate=2)",
        ValueError,
        "`false_positive_rate` must be a finite number between 0 and 1; got 2",
    ),
    (
        "dvae.detect(images, images[:0])",
        ValueError,
        "`normal` must hold at least one image of at least one pixel; got shape (0, 8",
    ),
    (
        "dvae.detect(images, None)",
        TypeError,
        "`normal` must be uint8, uint16 or floats in [0, 1]; got object",
    ),
    (
        "dvae.compress(images, bits=0)",
        ValueError,
        "`bits` must be a finite number between 1 and 16; got 0",
    ),
    (
        "dvae.compress(images, bits=99)",
        ValueError,
        "`bits` must be a finite number between 1 and 16; got 99",
    ),
    (
        'dvae.decompress(b"nothing")',
        ValueError,
        "`compressed` must be a whole stream of `compress`; it is altered or no such",
    ),
    ('dvae.decompress("text")', TypeError, "`compressed` must be bytes; got str"),
    ("dvae.decompress(None)", TypeError, "`compressed` must be bytes; got NoneType"),
    (
        "dae.sample(2)",
        ValueError,
        "only a VAE or DVAE has a prior to be sampled; an AE or DAE has none",
    ),
    (
        "dae.sample_around(images)",
        ValueError,
        "only a VAE or DVAE has a posterior, from which images could be drawn; an AE",
    ),
    (
        "dae.uncertainty(images)",
        ValueError,
        "only a VAE or DVAE has a posterior, from which images could be drawn; an AE",
    ),
    (
        "dae.denoise(images, samples=2)",
        ValueError,
        "only a VAE or DVAE has a posterior, from which images could be drawn; an AE",
    ),
    (
        "tfdvae.Augmenter(5)",
        TypeError,
        "`model` must be a path, a name, or a DAE, VAE or DVAE; got int",
    ),
    (
        'tfdvae.Augmenter(dae, "posterior")',
        ValueError,
        "`method` must be one of reconstruction; got 'posterior'",
    ),
    (
        'tfdvae.Augmenter(dvae, "nonsense")',
        ValueError,
        "`method` must be one of posterior, prior; got 'nonsense'",
    ),
    (
        "tfdvae.Augmenter(dvae).generate(images, labels[:3])",
        ValueError,
        "`labels` must have shape (12,), one label an image; got (3,)",
    ),
    (
        "tfdvae.Augmenter(dvae).generate(images, labels, per_image=0)",
        ValueError,
        "`per_image` must be a finite number at least 1; got 0",
    ),
    (
        "tfdvae.Augmenter(dvae).generate(images, labels, per_image=1.5)",
        TypeError,
        "`per_image` must be a whole number; got 1.5 (float)",
    ),
    (
        "tfdvae.Augmenter(dvae).generate(images, labels, per_image=10**12)",
        ValueError,
        "`per_image` 1,000,000,000,000 would take 4.61 PB",
    ),
    (
        "tfdvae.Augmenter(dvae).generate(images, labels, seed=-1)",
        ValueError,
        "`seed` must be a finite number at least 0; got -1",
    ),
    (
        "tfdvae.Augmenter(dvae).generate(images[:0], labels[:0])",
        ValueError,
        "`images` must hold at least one image of at least one pixel; got shape (0, 8",
    ),
    (
        "tfdvae.Augmenter(dvae).generate(images[:, :4], labels)",
        ValueError,
        "`images` must have shape (N, 8, 6, 1); got (12, 4, 6, 1)",
    ),
    (
        'tfdvae.Augmenter(dvae).generate(images, "ab")',
        TypeError,
        "`labels` must hold whole numbers; got dtype <U2",
    ),
    (
        'tfdvae.export(5, "out")',
        TypeError,
        "`model` must be a DAE, VAE or DVAE, or what `tfdvae.load` returns; got int",
    ),
    (
        'tfdvae.export(dvae, "in")',
        FileExistsError,
        "`path` in exists and is no SavedModel; nothing was written",
    ),
    (
        'tfdvae.export(dvae, "out", format="tflite")',
        ValueError,
        "`format` must be one of saved_model, onnx; got 'tflite'",
    ),
    ("tfdvae.DVAE(None, None)", TypeError, "`encoder` must be a keras.Model; got NoneType"),
    (
        "tfdvae.DVAE(encoder, encoder)",
        ValueError,
        "`decoder` must take the encoder's code, of shape (None, 3); it takes (None",
    ),
    (
        "tfdvae.DVAE(decoder, encoder)",
        ValueError,
        "`encoder` must take one input of images (N, H, W, C) of a fixed size with any",
    ),
    (
        "tfdvae.DAE(encoder, decoder)",
        ValueError,
        "`encoder` must have one output, the code; it has [(None, 3), (None, 3)]",
    ),
    (
        "tfdvae.VAE(encoder, decoder, beta=-1)",
        ValueError,
        "`beta` must be a finite number at least 0; got -1",
    ),
    (
        'tfdvae.VAE(encoder, decoder, beta="much")',
        TypeError,
        "`beta` must be a number; got 'much' (str)",
    ),
    (
        "tfdvae.VAE(encoder, decoder, beta_warmup_steps=-1)",
        ValueError,
        "`beta_warmup_steps` must be a finite number at least 0; got -1",
    ),
    (
        "tfdvae.VAE(encoder, decoder, latent_samples=0)",
        ValueError,
        "`latent_samples` must be a finite number at least 1; got 0",
    ),
    (
        'tfdvae.VAE(encoder, decoder, likelihood="laplace")',
        ValueError,
        "`likelihood` must be one of bernoulli, gaussian, linear, mse; got 'laplace'",
    ),
    (
        'tfdvae.VAE(encoder, decoder, likelihood="mse")',
        ValueError,
        "`likelihood` mse is no likelihood that a KL divergence could be weighed",
    ),
    (
        "tfdvae.VAE(encoder, decoder, seed=-1)",
        ValueError,
        "`seed` must be a finite number between 0 and 9.22337e+18; got -1",
    ),
    (
        "tfdvae.VAE(encoder, decoder, image_shape=(8, 6))",
        ValueError,
        "`image_shape` must be (H, W, C); got (8, 6)",
    ),
    (
        'tfdvae.DVAE(encoder, decoder, corruption="gausian:0.1")',
        ValueError,
        "`corruption` must be one of none, gaussian, clipped_gaussian, speckle",
    ),
    (
        'tfdvae.DVAE(encoder, decoder, corruption="gaussian:2")',
        ValueError,
        "`corruption` must be a finite number between 0 and 1; got 2.0",
    ),
    (
        'tfdvae.DVAE(encoder, decoder, objective="clean")',
        ValueError,
        "`objective` must be one of observed, corrupted, recorrupted, masked, paired",
    ),
    (
        'tfdvae.DVAE(encoder, decoder, objective="recorrupted", corruption="masking:0.1")',
        ValueError,
        "`corruption` must be gaussian:LEVEL or poisson:LEVEL, of the noise that the images",
    ),
    (
        "tfdvae.DVAE(encoder, decoder, corruption_samples=0)",
        ValueError,
        "`corruption_samples` must be a finite number at least 1; got 0",
    ),
    (
        'networks.build("mpl", (8, 6, 1), 3, variational=True)',
        ValueError,
        "`network` must be one of mlp, pooled_conv, pooled_conv_inference",
    ),
    (
        'networks.build("mlp", (8, 6), 3, variational=True)',
        ValueError,
        "`image_shape` must be (H, W, C); got (8, 6). Gray images have (8, 6, 1)",
    ),
    (
        'networks.build("mlp", (0, 6, 1), 3, variational=True)',
        ValueError,
        "`image_shape` must be a finite number at least 1; got 0",
    ),
    (
        'networks.build("mlp", (8, 6, 1), 0, variational=True)',
        ValueError,
        "`latent_dim` must be a finite number at least 1; got 0",
    ),
    (
        'networks.build("strided_conv", (8, 6, 1), 3, variational=True)',
        ValueError,
        "network strided_conv must have images whose height and width are multiples of",
    ),
    (
        "tfdvae.ImageDataset.from_arrays(images, labels[:3])",
        ValueError,
        "`train_labels` must have shape (12,), one label an image; got (3,)",
    ),
    (
        "tfdvae.ImageDataset.from_arrays(images - 5, labels)",
        ValueError,
        "`train_images`, of floats, must be finite and in [0, 1]; image 0 has values",
    ),
    (
        'tfdvae.ImageDataset.from_arrays("in.npz", labels)',
        TypeError,
        "`train_images` must be uint8, uint16 or floats in [0, 1]",
    ),
    (
        "tfdvae.ImageDataset.from_arrays(images, labels * 0.5)",
        TypeError,
        "`train_labels` must hold whole numbers; got dtype float64",
    ),
    (
        "tfdvae.ImageDataset.from_arrays(images, -labels - 1)",
        ValueError,
        "`train_labels` must be class numbers from 0; got -3",
    ),
    (
        "tfdvae.ImageDataset.from_arrays(images[:0], labels[:0])",
        ValueError,
        "`train_images` must have shape (N, H, W), (N, H, W, 1) or (N, H, W, 3); got",
    ),
    (
        "tfdvae.ImageDataset.from_arrays(images[:, 0, 0, 0], labels)",
        ValueError,
        "`train_images` must have shape (N, H, W), (N, H, W, 1) or (N, H, W, 3); got",
    ),
    ("tfdvae.train(5)", TypeError, "`config` must be a TrainConfig; got a int"),
    (
        "tfdvae.train(dataset=images)",
        TypeError,
        "`dataset` must be a name, a path or a tfdvae.ImageDataset, which",
    ),
    (
        'tfdvae.train(dataset="./nowhere")',
        FileNotFoundError,
        "`dataset` nowhere must be a folder of images or an .npz file; there is",
    ),
    (
        'tfdvae.train(dataset="digits", epoch=3)',
        ValueError,
        "`setting` must be one of 48 names; got 'epoch'",
    ),
    (
        'tfdvae.train(dataset="digits", epochs="3")',
        TypeError,
        "`epochs` must be a whole number; got '3' (str)",
    ),
    (
        'tfdvae.train(dataset="digits", model="dvea")',
        ValueError,
        "`model` must be one of ae, dae, vae, dvae; got 'dvea'",
    ),
    (
        'tfdvae.train(dataset="digits", callbacks=[5])',
        TypeError,
        "`callbacks` must be Keras callbacks; got a int",
    ),
    (
        'tfdvae.train(dataset="digits", output="text.txt")',
        FileExistsError,
        "`output` text.txt is a file; a folder is needed",
    ),
    ('tfdvae.train(dataset="digits", output=5)', TypeError, "`output` must be text; got 5 (int)"),
    (
        'tfdvae.train(resume="empty")',
        FileNotFoundError,
        "`resume` empty is not a run folder: it has no config.json",
    ),
    (
        'tfdvae.train(dataset="digits", resume="empty", epochs=3)',
        FileNotFoundError,
        "`resume` empty is not a run folder: it has no config.json",
    ),
    (
        'tfdvae.study("nonsense")',
        ValueError,
        "`study` must be one of augmentation, denoising, few-labels, noise, noisy-alone, uses; got",
    ),
    (
        'tfdvae.study("noise", nonsense=3)',
        ValueError,
        "`setting of study noise` must be one of dataset, data_dir, seeds, workers",
    ),
    (
        'tfdvae.study("noise", epochs=0)',
        ValueError,
        "`epochs` must be a finite number at least 1; got 0",
    ),
    (
        'tfdvae.study("noise", seeds=3)',
        TypeError,
        "`seeds` must be a tuple of whole numbers; got 3",
    ),
    (
        'tfdvae.study("noise", seeds=())',
        ValueError,
        "`seeds` must be one or more, none of them twice; got ()",
    ),
    (
        'tfdvae.study("noise", workers=1.5)',
        TypeError,
        "`workers` must be a whole number; got 1.5 (float)",
    ),
    (
        "tfdvae.study(5)",
        ValueError,
        "`study` must be one of augmentation, denoising, few-labels, noise, noisy-alone, uses; got",
    ),
    (
        "tfdvae.TrainConfig.of(nonsense=3)",
        ValueError,
        "`setting` must be one of 48 names; got 'nonsense'",
    ),
    (
        "tfdvae.TrainConfig.of(epochs=1.5)",
        TypeError,
        "`epochs` must be a whole number; got 1.5 (float)",
    ),
    (
        'tfdvae.TrainConfig.of(recipe="nonsense")',
        ValueError,
        "`recipe` must be one of opengenus, conv-dae; got 'nonsense'",
    ),
    (
        "tfdvae.TrainConfig.of(threads=True)",
        TypeError,
        "`threads` must be a whole number; got True (bool)",
    ),
    (
        'tfdvae.TrainConfig.of(n_train="all")',
        TypeError,
        "`n_train` must be a whole number; got 'all' (str)",
    ),
    (
        "tfdvae.TrainConfig.of(dataset=None)",
        TypeError,
        "`dataset` must be text; got None (NoneType)",
    ),
    (
        'tfdvae.TrainConfig.of(dataset=b"x")',
        TypeError,
        "`dataset` must be text; got b'x' (bytes)",
    ),
    (
        'tfdvae.TrainConfig.of(dataset=("a", "b"))',
        TypeError,
        "`dataset` must be text; got ('a', 'b') (tuple)",
    ),
    ("tfdvae.TrainConfig.of(output=5)", TypeError, "`output` must be text; got 5 (int)"),
    (
        'tfdvae.TrainConfig.from_dict({"epochs": 0})',
        ValueError,
        "settings lack recipe, dataset, noisy_dir, image_size, skip_unreadable",
    ),
    ("tfdvae.TrainConfig.from_dict([])", ValueError, "settings must be a dictionary; got list"),
    (
        "tfdvae.register_corruption(5)",
        TypeError,
        "a corruption must be a subclass of Corruption; got 5",
    ),
    (
        'corruptions.parse("gaussian")',
        ValueError,
        "`corruption` must be kind:level with a number as level, such as gaussian:0.1",
    ),
    (
        'corruptions.parse("gaussian:0.1,")',
        ValueError,
        "`corruption` must be one of none, gaussian, clipped_gaussian, speckle",
    ),
    (
        "corruptions.parse(None)",
        ValueError,
        "`corruption` must be one of none, gaussian, clipped_gaussian, speckle",
    ),
    (
        'corruptions.parse("one_of")',
        ValueError,
        "`corruption` must be one of none, gaussian, clipped_gaussian, speckle",
    ),
    (
        'sources.load("digits", image_size=(8, 8))',
        ValueError,
        "`image_size` is for a `dataset` that is a folder of images; got (8, 8) with",
    ),
    ('sources.load("")', ValueError, "`dataset` must not be empty; got ''"),
    ("sources.load(None)", TypeError, "`dataset` must be text; got None (NoneType)"),
    (
        'sources.load("in", skip_unreadable=True, groups="nowhere.csv")',
        FileNotFoundError,
        "`groups` must be a CSV file; there is no nowhere.csv",
    ),
    (
        'classification.parse("f1")',
        ValueError,
        "`metric` must be one of accuracy, balanced_accuracy, auc, kappa",
    ),
    (
        'csv_rows.read_rows("nowhere.csv")',
        FileNotFoundError,
        "[Errno 2] No such file or directory: 'nowhere.csv'",
    ),
    ('csv_rows.read_rows("bad.csv")', ValueError, "bad.csv must have the columns"),
    ('csv_rows.read_rows("broken.npz")', ValueError, "broken.npz must have the columns"),
    ('dvae.decode("codes")', TypeError, "`codes` must be numbers; got <U5"),
    ("tfdvae.export(dvae, 5)", TypeError, "`path` must be text or a Path; got int"),
    (
        "tfdvae.VAE(encoder, decoder, image_shape=(9, 9, 1))",
        ValueError,
        "`image_shape` must be as the encoder takes it, (8, 6, 1); got (9, 9, 1)",
    ),
    (
        'tfdvae.study("noise", dataset=5)',
        TypeError,
        "`dataset` must be a name, a path or a tfdvae.ImageDataset; got int",
    ),
    (
        "image.psnr(images, images[:3])",
        ValueError,
        "`clean` must have the shape of `images`, (12, 8, 6, 1); got (3, 8, 6, 1)",
    ),
    (
        "image.psnr(labels, labels)",
        ValueError,
        "`images` must have shape (N, H, W, C), H and W at least 1; got (12,)",
    ),
    ("image.ssim(images, images)", ValueError, "H and W at least 11; got (12, 8, 6, 1)"),
)
"""Python, the error, and its words."""
