"""From a step's name back to the line of the Dockerfile."""

import pytest

from engines.builds.dockerfile import instructions, line_of_number, line_of_step

TEXT = """# syntax comment
ARG BASE=busybox:local
FROM ${BASE} AS build
WORKDIR /src
RUN echo one && \\
    # a comment inside
    echo   two
ENV A=1
COPY . .

from busybox:local
COPY --from=build /src/a /a
RUN exit 7
"""


def test_continuation_lines_belong_to_the_line_they_begin_on():
    assert [(one.line, one.word) for one in instructions(TEXT)] == [
        (2, "ARG"),
        (3, "FROM"),
        (4, "WORKDIR"),
        (5, "RUN"),
        (8, "ENV"),
        (9, "COPY"),
        (11, "FROM"),
        (12, "COPY"),
        (13, "RUN"),
    ]


@pytest.mark.parametrize(
    ("step", "line"),
    [
        ("[stage-1 3/3] RUN exit 7", 13),
        ("[build 3/4] RUN echo one &&     echo   two", 5),
        ("[build 4/4] COPY . .", 9),
        ("[stage-1 2/3] COPY --from=build /expanded/a /a", 12),
        ("[build 1/4] FROM docker.io/library/busybox:local", 3),
        ("[nowhere 2/3] RUN other", None),
        ("[build 9/9] RUN other", None),
        ("[internal] load build context", None),
        ("", None),
    ],
)
def test_a_step_of_buildkit_is_found_by_its_text_or_its_place(step, line):
    assert line_of_step(TEXT, step) == line


def test_the_classic_builder_counts_every_instruction():
    assert line_of_number(TEXT, 9) == 13
    assert line_of_number(TEXT, 10) is None


def test_a_dockerfile_with_one_stage_needs_no_stage_name():
    assert line_of_step("FROM a\nENV X=1\nRUN ${X}\n", "[2/2] RUN 1") == 3
