"""A chart's folder is read as Helm reads it."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from blueshift.errors import BlueshiftError
from blueshift.helm.charts import ChartRef, read_chart, read_local
from blueshift.helm.errors import ChartError


def write(folder: Path, **files: str) -> Path:
    texts = {"Chart.yaml": "name: tiny\nversion: 1.0.0\n", "templates/a.yaml": "a", **files}
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_what_renders_decides_the_hash(tmp_path: Path) -> None:
    chart = read_chart(write(tmp_path / "a"))
    assert chart.digest == read_chart(write(tmp_path / "b", **{"README.md": "x"})).digest
    assert chart.digest != read_chart(write(tmp_path / "c", **{"templates/a.yaml": "b"})).digest
    assert chart.digest != read_chart(write(tmp_path / "d", **{"values.yaml": "a: 1"})).digest
    assert chart.digest != read_chart(write(tmp_path / "e", **{"templates/b/c.yaml": ""})).digest
    commented = read_chart(write(tmp_path / "f", **{"values.yaml": "# why\n"}))
    assert chart.digest == commented.digest


@pytest.mark.parametrize(
    "rule", ["*.orig", "x.orig", "templates/x.orig", "/templates/*.orig", "*.txt\n*.orig", "# no\n\n*.orig"]
)
def test_ignored_templates_count_for_nothing(rule: str, tmp_path: Path) -> None:
    plain = read_chart(write(tmp_path / "a"))
    ignored = write(
        tmp_path / "b", **{"templates/x.orig": "x", "templates/.hidden": "x", ".helmignore": rule}
    )
    assert read_chart(ignored).digest == plain.digest


def test_a_rule_for_folders_leaves_files_alone(tmp_path: Path) -> None:
    plain = read_chart(write(tmp_path / "a"))
    folder = write(tmp_path / "b", **{"templates/old/x.yaml": "x", ".helmignore": "old/"})
    assert read_chart(folder).digest == plain.digest
    file = write(tmp_path / "c", **{"templates/old": "x", ".helmignore": "old/"})
    assert read_chart(file).digest != plain.digest


@pytest.mark.parametrize(
    ("files", "message", "place"),
    [
        ({"Chart.yaml": "name: x\n"}, "no version", "Chart.yaml"),
        ({"Chart.yaml": "name: [\n"}, "is not YAML", "Chart.yaml:2:1"),
        ({"values.yaml": "- a\n"}, "is not a mapping", "values.yaml:1:1"),
        ({"values.yaml": "a: 1\n---\nb: 1\n"}, "more than one document", "values.yaml:2:1"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    files: dict[str, str], message: str, place: str, tmp_path: Path
) -> None:
    with pytest.raises(BlueshiftError, match=message) as caught:
        read_chart(write(tmp_path / "a", **files))
    assert str(caught.value.place).endswith(place)


def test_an_archive_is_unpacked_and_a_malicious_one_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "tiny")
    with tarfile.open(tmp_path / "tiny.tgz", "w:gz") as tar:
        tar.add(folder, "tiny")
    ref = ChartRef(str(tmp_path / "tiny.tgz"))
    assert ref.local
    chart = read_local(ref, tmp_path / "into")
    assert (chart.path, chart.digest) == (tmp_path / "into" / "tiny", read_chart(folder).digest)
    with tarfile.open(tmp_path / "evil.tgz", "w:gz") as tar:
        tar.add(folder / "Chart.yaml", "../evil/Chart.yaml")
    with pytest.raises(ChartError, match="cannot be unpacked"):
        read_local(ChartRef(str(tmp_path / "evil.tgz")), tmp_path / "into")
    assert not (tmp_path / "evil").exists()


def test_what_is_not_on_this_machine(tmp_path: Path) -> None:
    assert not ChartRef("oci://registry.example/charts/x").local
    assert not ChartRef("ingress-nginx", repo="https://charts.example").local
    assert not ChartRef(str(tmp_path / "absent")).local
