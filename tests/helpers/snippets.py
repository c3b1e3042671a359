"""The code blocks of README.md and docs/: found, and run one after the other.

`python -m tests.helpers.snippets PAGE` runs the blocks of one page in the working folder. A fresh
process for each page keeps plugins and settings of one page from another.

- Python blocks of a page share their names, which begin with those of `names()`.
- `sh` blocks are command lines; `tfdvae` and `python` run in this process and must return 0.
- A block with a title is written to a file of that name before anything runs. Where one of them is
  `pyproject.toml`, its entry points are found as if the package were installed.

Notes for tests stand before a block, and are not shown on the page:

- `<!-- test: skip REASON -->`: the block is not run.
- `<!-- test: add FLAGS -->`: they are added to each command of the block but listings.
- `<!-- test: replace OLD => NEW -->`: in this block.
- `<!-- test: check EXPRESSION -->`: true after the block, with the names of the page, `np`, `Path`.
- `<!-- test: slow -->` at the top: the page is run in the slow tier.
"""

import importlib
import re
import runpy
import shlex
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
RUN = ("python", "sh")
_BLOCK = re.compile(
    r"(?P<notes>(?:<!-- test: (?:(?!-->).)*-->\n)*)"
    r"```(?P<language>\w+)(?P<options>[^\n]*)\n(?P<code>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """A code block of a page.

    Attributes:
        language: as written behind the fence.
        code: as shown, without the fences.
        title: name of a file, or "".
        skip: why it is not run, or "".
        add: flags added to its commands.
        replace: pairs of texts, the shown one and the one that is run.
        check: expressions that are true after it.
    """

    language: str
    code: str
    title: str = ""
    skip: str = ""
    add: str = ""
    replace: tuple[tuple[str, str], ...] = ()
    check: tuple[str, ...] = ()

    @property
    def executed(self) -> bool:
        return self.language in RUN and not self.title and not self.skip

    @property
    def commands(self) -> list[list[str]]:
        """The command lines of a `sh` block, with what is added to them."""
        lines = self.replaced.replace("\\\n", " ").splitlines()
        split = [shlex.split(line, comments=True) for line in lines]
        more = shlex.split(self.add)  # not to listings, such as `tfdvae models`
        return [words + more if len(words) > 2 else words for words in split if words]

    @property
    def replaced(self) -> str:
        code = self.code
        for old, new in self.replace:
            if old not in code:
                raise ValueError(f"a note replaces {old!r}, which the block does not hold:\n{code}")
            code = code.replace(old, new)
        return code


def pages() -> list[str]:
    """Return the pages with code blocks, relative to the root."""
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [path.relative_to(ROOT).as_posix() for path in found if blocks(path.read_text())]


def is_slow(text: str) -> bool:
    return text.startswith("<!-- test: slow -->\n")


def blocks(text: str) -> list[Block]:
    """Return the code blocks of a page in order."""
    return [_block(found) for found in _BLOCK.finditer(text)]


def _block(found: re.Match[str]) -> Block:
    title = re.search(r'title="(.*?)"', found["options"])
    settings: dict[str, str] = {}
    replace, check = [], []
    for note in re.findall(r"<!-- test: (.*?) -->", found["notes"], re.DOTALL):
        word, _, rest = note.partition(" ")
        if word == "replace":
            old, _, new = rest.partition(" => ")
            replace.append((old, new))
        elif word == "check":
            check.append(rest)
        elif word in ("skip", "add") and rest:
            settings[word] = rest
        else:
            raise ValueError(f"a note for tests must be skip, add, replace or check; got {note!r}.")
    return Block(
        found["language"],
        found["code"],
        title[1] if title else "",
        replace=tuple(replace),
        check=tuple(check),
        **settings,
    )


def run_page(text: str) -> None:
    """Run the blocks of a page in the working folder, which is filled with files first."""
    prepare(Path.cwd())
    found = blocks(text)
    for block in found:
        if block.title:
            path = Path(block.title)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.code)
    sys.path.insert(0, str(Path.cwd()))
    if Path("pyproject.toml").is_file():
        install(Path.cwd())
    shared = names(with_dataset="dataset" in text)
    for number, block in enumerate(found, start=1):
        if not block.executed:
            continue
        print(f"--- block {number}\n{block.code}", flush=True)
        if block.language == "python":
            exec(compile(block.replaced, f"<block {number}>", "exec"), shared)
        else:
            for words in block.commands:
                run_command(words)
        for expression in block.check:
            if not eval(expression, shared | {"np": np, "Path": Path}):
                raise AssertionError(f"after block {number} this is false: {expression}")


def run_command(words: list[str]) -> None:
    """Run `tfdvae ...`, `python train.py ...` or `python FILE ...` in this process.

    Raises:
        RuntimeError: it did not return 0.
    """
    from tfdvae.cli import main

    match words:
        case ["tfdvae", *arguments]:
            status = main.main(arguments)
        case ["python", "train.py", *arguments]:
            status = main.main(["train", *arguments])
        case ["python", file, *arguments]:
            sys.argv = [file, *arguments]
            runpy.run_path(file, run_name="__main__")
            status = 0
        case _:
            raise ValueError(f"a block must hold commands of tfdvae or python; got {words}.")
    if status != 0:
        raise RuntimeError(f"{shlex.join(words)} returned {status}.")


def install(folder: Path) -> None:
    """Make the entry points of the package in `folder` known, as pip does."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    lines = [
        line
        for group, points in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in points.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    importlib.invalidate_caches()


def digit_images(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return scikit-learn's digits as uint8 (count, 28, 28), and their labels."""
    from sklearn.datasets import load_digits

    data = load_digits()
    scaled = np.rint(data.images[:count] * 255 / 16).astype(np.uint8)
    enlarged = np.pad(scaled.repeat(3, 1).repeat(3, 2), ((0, 0), (2, 2), (2, 2)))
    return enlarged, data.target[:count].astype(np.int64)


def names(with_dataset: bool) -> dict[str, object]:
    """Return what Python blocks find defined: the names that the page "Python" explains."""
    pictures, labels = digit_images(120)
    images = pictures[..., None].astype(np.float32) / 255
    noise = np.random.default_rng(0).normal(0, 0.1, images.shape).astype(np.float32)
    found: dict[str, object] = {
        "__name__": "snippet",
        "images": images,
        "labels": labels,
        "noisy": images + noise,
        "pictures": pictures[:20],
        "normal": images[20:80],
    }
    if with_dataset:
        import tensorflow as tf

        found["dataset"] = tf.data.Dataset.from_tensor_slices((images[:20], labels[:20])).batch(10)
    return found


def prepare(folder: Path) -> None:
    """Fill a folder with the files that the pages speak of: small ones, of digits."""
    from PIL import Image

    pictures, labels = digit_images(160)
    noise = np.random.default_rng(0).integers(0, 60, pictures.shape, np.uint8)
    noisy = np.maximum(pictures, noise)

    def write(path: str, picture: np.ndarray) -> None:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / path)

    for number in range(12):
        name = f"{'boots' if labels[number] % 2 else 'shirts'}/{number:03}.png"
        write(f"clothes/{name}", pictures[number])
        write(f"masks/{name}", np.uint8(255) * (noise[number] > 50))
        write(f"normal/{number:03}.png", pictures[20 + number])
    for number in range(60):
        write(f"my_images/{labels[number] % 3}/{number:03}.png", pictures[number])
        write(f"scans/clean/{number:03}.png", pictures[number])
        write(f"scans/noisy/{number:03}.png", noisy[number])
    for number in range(6):
        write(f"new_images/{number:03}.png", pictures[100 + number])
    random, (rows, columns) = np.random.default_rng(1), np.mgrid[:48, :48] / 16
    scene = 0.5 + 0.35 * np.sin(3 * rows + columns) * np.cos(2 * columns)
    for number in range(4):
        photons = np.clip(random.poisson(20 * scene) / 20, 0, 1)
        write(f"microscope/{number}.png", np.rint(255 * photons).astype(np.uint8))
    (folder / "train.py").write_text((ROOT / "train.py").read_text())


def main() -> None:
    run_page((ROOT / sys.argv[1]).read_text())


if __name__ == "__main__":
    main()
