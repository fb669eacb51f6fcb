"""The browser takes markup from text in one place of ours only, so that a slip elsewhere cannot become a script."""

import pytest

SLIPS = {
    "innerHTML": "document.body.innerHTML = '<b>x</b>'",
    "insertAdjacentHTML": "document.body.insertAdjacentHTML('beforeend', '<b>x</b>')",
    "DOMParser": "new DOMParser().parseFromString('<b>x</b>', 'text/html')",
    "a policy of another name": "trustedTypes.createPolicy('other', { createHTML: (html) => html })",
    "a second policy of ours": "trustedTypes.createPolicy('pilothouse', { createHTML: (html) => html })",
    "a worker by address": "new Worker('/static/js/main.js')",
    "a script by address": "document.createElement('script').src = '/static/js/main.js'",
}


@pytest.mark.parametrize("way", sorted(SLIPS))
def test_no_other_code_makes_markup_or_scripts_from_text(chromium, console, way):
    page = chromium.new_page(base_url=console.url)
    page.goto("/accounts/login/")
    said = page.evaluate(f"() => {{ try {{ {SLIPS[way]}; return 'done' }} catch (error) {{ return error.name }} }}")
    page.close()
    assert said == "TypeError"
