"""`python -m tests.docs.equations`: writes docs/equations.md from the tables of this folder, the golden kit and the tests."""

from tests.docs.equations.page import PAGE, page_text

if __name__ == "__main__":
    PAGE.write_text(page_text())
