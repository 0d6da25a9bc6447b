"""What many unit tests share: a small borough of their own, like the template that their file makes once."""

from __future__ import annotations

import pytest
from small_borough import SmallBorough


@pytest.fixture
def borough(template, tmp_path):
    made = SmallBorough(tmp_path, like=template)
    yield made
    made.close()
