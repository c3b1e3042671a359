"""MkDocs hooks: what the pages take from the package and from `results/` when they are built.

- `<!-- include PATH -->`: a Markdown file of the repository, its headings one level lower.
- `<!-- page PATH -->`: such a file as it is, for a page that holds nothing else.
- `<!-- include PATH # HEADING -->`: the section of that file below this heading.
- `<!-- accuracy PATH -->`: the table of accuracies in the `metrics.csv` of a run.
- `<!-- commands -->`: every command with its flags, their defaults and meanings.

Figures and HTML reports of `results/` become files of the site.
"""

import argparse
import re
import warnings
from pathlib import Path
from posixpath import normpath, relpath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
NO_BREAK = "\N{NO-BREAK SPACE}"
COPIED = ("*.png", "report.html")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add figures and HTML reports of `results/`, under the same path."""
    for pattern in COPIED:
        for path in sorted((ROOT / "results").rglob(pattern)):
            if "development" not in path.parts and "precision" not in path.parts:
                name = path.relative_to(ROOT).as_posix()
                files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fill in what a page takes from elsewhere, and drop the notes for tests."""
    folder = Path(page.file.src_uri).parent.as_posix()
    markdown = re.sub(r"<!-- test: .*? -->\n", "", markdown, flags=re.DOTALL)
    markdown = re.sub(
        r"<!-- page (\S+) -->",
        lambda found: relinked((ROOT / found[1]).read_text(), found[1], folder),
        markdown,
    )
    markdown = re.sub(
        r"<!-- include (\S+)(?: # (.*?))? -->",
        lambda found: included(found[1], found[2], folder),
        markdown,
    )
    markdown = re.sub(
        r"<!-- accuracy (\S+) -->", lambda found: accuracy_table(ROOT / found[1]), markdown
    )
    if "<!-- commands -->" in markdown:
        markdown = markdown.replace("<!-- commands -->", commands())
    up = "../" * (1 if folder == "." else 2)
    return markdown.replace(f"]({up}results/", f"]({relpath('results', folder)}/")


def included(name: str, heading: str | None, folder: str) -> str:
    """Return a Markdown file, or a section of it, as it stands in a page of `folder`.

    Raises:
        PluginError: there is no such file or heading.
    """
    path = ROOT / name
    if not path.is_file():
        raise PluginError(f"a page includes {name}, which does not exist.")
    text = path.read_text()
    if heading is not None:
        text = section(text, heading, name)
    text = without_title(text)
    text = re.sub(r"^(#+ )", r"#\1", text, flags=re.MULTILINE)
    text = re.sub(r"^\|.*", unbroken, text, flags=re.MULTILINE)
    return relinked(text, name, folder)


def relinked(text: str, name: str, folder: str) -> str:
    """Rewrite the links of a file of the repository for a page in `folder` of the site."""

    def moved(found: re.Match[str]) -> str:
        """Rewrite a link of the file as one of the page: the site has docs/ at its root."""
        target = normpath(f"{Path(name).parent.as_posix()}/{found[2]}").removeprefix("docs/")
        return f"{found[1]}({relpath(target, folder)})"

    return re.sub(r"(\[[^\]]*\])\((?!http|#)(.*?)\)", moved, text)


def unbroken(row: re.Match[str]) -> str:
    """Keep short cells of a table, such as a number with its interval, on one line."""

    def cell(text: str) -> str:
        words = text.strip()
        return f" {words.replace(' ', NO_BREAK)} " if len(words) <= 26 else text

    return "|".join(map(cell, row[0].split("|")))


def section(text: str, heading: str, name: str) -> str:
    """Return what stands below a heading, down to the next one of its level or above."""
    found = re.search(rf"^(#+) {re.escape(heading)}\n", text, re.MULTILINE)
    if found is None:
        raise PluginError(f"a page includes the section {heading!r} of {name}: there is none.")
    rest = text[found.end() :]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def without_title(text: str) -> str:
    return re.sub(r"\A# .*\n", "", text)


def accuracy_table(path: Path) -> str:
    """Return accuracies in % with their intervals: a row a training set, a column a noise."""
    from tfdvae import csv_rows
    from tfdvae.reporting import tables

    return tables.accuracy_table(csv_rows.read_rows(path)).markdown()


def commands() -> str:
    """Return a section for each command, made from the parser of the command line."""
    import tyro

    from tfdvae.cli import flags

    parts = []
    for name, settings in command_settings():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            parser = tyro.extras.get_parser(settings, prog=f"tfdvae {name}", config=flags.STYLE)
        parts.append(command_section(name, parser))
    return "\n\n".join(parts)


def command_settings() -> list[tuple[str, type]]:
    """Return the name and the settings of each command."""
    from tfdvae.cli import flags
    from tfdvae.cli.registry import COMMANDS
    from tfdvae.studies.registry import STUDIES

    train = COMMANDS.get("train").settings
    return [
        ("train", flags.with_config_flag(train)),
        *((each.name, each.settings) for each in COMMANDS if each.name not in ("train", "study")),
        *((f"study {study.name}", flags.with_config_flag(study.settings)) for study in STUDIES),
    ]


def command_section(name: str, parser: argparse.ArgumentParser) -> str:
    """Return the heading, usage and flags of one command."""
    groups = [
        (group, [action for action in group._group_actions if action.dest != "help"])
        for group in parser._action_groups
    ]
    actions = [action for _, found in groups for action in found]
    places = [action for action in actions if not action.option_strings]
    flags = [action for action in actions if action.option_strings]
    usage = " ".join(["tfdvae", name, *(str(place.metavar) for place in places)])
    lines = [f"## {name}", "", escaped(parser.description or ""), ""]
    lines += ["```text", usage + (" [FLAGS]" if flags else ""), "```", ""]
    for group, found in groups:
        if found and group.description:
            title = (group.title or "").removesuffix(" options").capitalize()
            lines += [f"**{title}.** {escaped(group.description)}", ""]
        for action in found:
            term = flag_text(action) if action.option_strings else str(action.metavar)
            lines.append(definition(term, action.help or ""))
    return "\n".join(lines)


def definition(term: str, help: str) -> str:
    """Return an entry of a definition list: the flag, its meaning, its default."""
    default, meaning = split_default(help)
    ending = f" Default: {default}." if default else ""
    return f"`{term}`\n:   {escaped(meaning)}{ending}\n"


def flag_text(flag: argparse.Action) -> str:
    """Return a flag and what follows it."""
    metavar = flag.metavar or ""
    if isinstance(metavar, tuple):
        metavar = " ".join(metavar)
    return f"{', '.join(flag.option_strings)} {metavar}".replace(",", ", ").strip()


def split_default(text: str) -> tuple[str, str]:
    """Split `(default: ...)` off a flag's help: the default in code, then the help."""
    found = re.search(r"\s*\((?:sets: [^()]*|default: (.*?)|required)\)\s*$", text)
    if found is None:
        return "", text
    default = found[1]
    shown = "" if default in (None, "None", "False") else f"`{default}`"
    return shown, text[: found.start()]


def escaped(text: Any) -> str:
    """Return text as a cell of a table holds it."""
    return re.sub(r"([|<>*_\\])", r"\\\1", " ".join(str(text).split()))
