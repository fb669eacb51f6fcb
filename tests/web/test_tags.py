"""Template tags of all pages."""

import pytest

from engines.web.templatetags import ui


def test_an_icon_carries_the_class_that_the_style_sheets_look_for():
    drawn = ui.icon("search", 20)
    assert 'class="icon"' in drawn and 'width="20"' in drawn and 'aria-hidden="true"' in drawn
    with pytest.raises(Exception, match="does not exist"):
        ui.icon("nonsense")
