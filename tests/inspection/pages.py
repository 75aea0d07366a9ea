"""A page of HTML taken apart, for the tests: what it must be whatever it shows."""

import re
from html.parser import HTMLParser

VOID = {"meta", "img", "br", "hr", "link", "input"}
FORBIDDEN = {"script", "iframe", "object", "embed", "link", "form", "base", "foreignobject"}


class Page(HTMLParser):
    """Elements, attributes and texts of a page. Raises AssertionError where it is not well-formed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.ids, self.references, self.texts = [], [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == [], f"not closed: {self.open}"

    def handle_starttag(self, tag, attributes):
        if tag not in VOID:
            self.open.append(tag)
        self.keep(tag, attributes)

    def handle_startendtag(self, tag, attributes):
        self.keep(tag, attributes)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        self.texts.append(data)

    def keep(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        for name, value in attributes:
            assert not name.startswith("on"), f"{tag} has {name}"
            if name == "id":
                self.ids.append(value)
            if name in ("href", "src", "xlink:href", "action"):
                self.references.append(value)
            self.references += re.findall(r"url\((.*?)\)", value or "")

    def cells(self):
        """Return the texts of the page, without surrounding blanks, as a set."""
        return {text.strip() for text in self.texts}


def checked(text):
    """Return the Page of a text, which must be a whole page without scripts that needs nothing from elsewhere."""
    page = Page(text)
    assert text.startswith("<!DOCTYPE html>")
    names = [tag for tag, _ in page.tags]
    assert not FORBIDDEN & set(names) and names.count("title") == names.count("h1") == 1
    assert ("html", {"lang": "en"}) in page.tags
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in page.tags
    assert len(page.ids) == len(set(page.ids)), "an id occurs twice"
    for reference in page.references:
        assert reference.startswith("data:image/png;base64,") or reference.removeprefix("#") in page.ids, reference
    assert "@import" not in text and "http:" not in text and "https:" not in text
    return page
