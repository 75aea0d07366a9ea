"""The map in the README and the reading order of the audit page are those of the code."""

import re

from tests.docs.house import MAP, ORDER, ROOT, lines, map_table, reading_table


def between(text, mark):
    return re.search(rf"<!-- {mark} -->\n(.*?)\n<!-- end -->", text, re.S).group(1)


def without_counts(table):
    return re.sub(r"\| [\d,]+ (?=\|)", "| n ", table)


def test_the_reading_order_has_every_file_of_the_specification_once():
    files = sorted(str(path.relative_to(ROOT / "refpcm" / "spec").as_posix())
                   for path in (ROOT / "refpcm" / "spec").rglob("*.py"))
    assert sorted(name for name, _ in ORDER) == files


def test_the_map_has_every_package_and_counts_that_are_near_the_code_s():
    assert {path.name for path in (ROOT / "refpcm").iterdir() if (path / "__init__.py").exists()} == {
        where.removeprefix("refpcm/") for where, _, _ in MAP if where.startswith("refpcm/") and "." not in where}
    shown = between((ROOT / "README.md").read_text(), "map")
    assert without_counts(shown) == without_counts(map_table())
    for where, _, _ in MAP:
        count = int(re.search(rf"\| `{re.escape(where)}` \| ([\d,]+)", shown).group(1).replace(",", ""))
        assert abs(count - lines(where)) <= max(0.1 * lines(where), 100), where


def test_the_audit_page_shows_the_reading_order():
    shown = between((ROOT / "docs" / "audit.md").read_text(), "reading order")
    assert without_counts(shown) == without_counts(reading_table())
