"""What the builders say, told as one kind of log."""

from engines.builds.transcript import MOST_STEPS, BuildKitTranscript, ClassicTranscript, progress_of
from engines.client.buildkit.trace import Trace, Vertex, VertexLog


def log(vertex: str, text: bytes, stream: int = 1, at: float = 101.5) -> VertexLog:
    return VertexLog(vertex=vertex, timestamp=at, stream=stream, message=text)


def test_a_step_s_lines_carry_its_number_and_end_with_its_outcome():
    transcript = BuildKitTranscript()
    lines = transcript.tell(Trace(vertexes=(Vertex("a", name="[1/2] FROM x"), Vertex("b", name="[2/2] RUN y"))))
    assert lines == []
    lines = transcript.tell(
        Trace(vertexes=(Vertex("a", name="[1/2] FROM x", cached=True, started=100, completed=100),))
    )
    assert lines == ["#1 [1/2] FROM x", "#1 CACHED"]
    lines = transcript.tell(Trace(vertexes=(Vertex("b", name="[2/2] RUN y", started=101),), logs=(log("b", b"he"),)))
    assert lines == ["#2 [2/2] RUN y"]
    assert transcript.tell(Trace(logs=(log("b", b"llo\nwor"),))) == ["#2 0.500 hello"]
    done = Vertex("b", name="[2/2] RUN y", started=101, completed=103.25)
    assert transcript.tell(Trace(vertexes=(done,), logs=(log("b", b"ld"),))) == ["#2 2.250 world", "#2 DONE 2.2s"]
    assert transcript.tell(Trace(vertexes=(done,))) == []
    assert progress_of(transcript.steps)["current"] == 2


def test_output_that_looks_like_an_outcome_keeps_its_prefix():
    transcript = BuildKitTranscript()
    transcript.tell(Trace(vertexes=(Vertex("a", name="RUN x", started=1),)))
    assert transcript.tell(Trace(logs=(log("a", b"#1 DONE 0.0s\n", at=2),))) == ["#1 1.000 #1 DONE 0.0s"]
    assert transcript.steps[0].state == "running"


def test_a_failed_step_says_why():
    transcript = BuildKitTranscript()
    transcript.tell(Trace(vertexes=(Vertex("a", name="RUN x", started=1, completed=2, error="exit code: 7"),)))
    assert transcript.failed is not None
    assert transcript.failed.error == "exit code: 7"


def test_streams_of_one_step_do_not_mix_their_parts_of_lines():
    transcript = BuildKitTranscript()
    transcript.tell(Trace(vertexes=(Vertex("a", name="RUN x", started=101.5),)))
    assert transcript.tell(Trace(logs=(log("a", b"out"), log("a", b"err\n", stream=2), log("a", b"put\n")))) == [
        "#1 0.000 err",
        "#1 0.000 output",
    ]


def test_a_line_without_end_is_shown_in_pieces():
    transcript = BuildKitTranscript()
    transcript.tell(Trace(vertexes=(Vertex("a", name="RUN x", started=101.5),)))
    assert len(transcript.tell(Trace(logs=(log("a", b"x" * 40_000),)))) == 1


def test_the_classic_builder_s_parts_of_lines_become_steps():
    transcript = ClassicTranscript()
    assert transcript.tell("Step 1/2 : FROM busybox:local") == []
    assert transcript.tell("\n ---> abc\n") == [
        "#1 [1/2] FROM busybox:local",
        "#1 0.000 ---> abc".replace("0.000 ", "0.000  "),
    ]
    lines = transcript.tell("Step 2/2 : RUN exit 7\n ---> Running in abc\noops\n")
    assert lines[0].startswith("#1 DONE")
    assert lines[1] == "#2 [2/2] RUN exit 7"
    assert lines[-1].endswith("oops")
    assert transcript.end("exit 7") == ["#2 ERROR: exit 7"]
    assert transcript.failed is not None


def test_the_classic_builder_s_cache_is_marked():
    transcript = ClassicTranscript()
    lines = transcript.tell("Step 1/1 : FROM x\n ---> Using cache\n ---> abc\n")
    assert "#1 CACHED" in lines
    assert transcript.end() == []


def test_output_that_claims_any_number_of_steps_makes_no_more_than_are_kept():
    classic = ClassicTranscript()
    classic.tell("Step 1/1 : RUN yes\n" * 5000)
    assert len(classic.steps) == MOST_STEPS
    buildkit = BuildKitTranscript()
    for number in range(5000):
        buildkit.tell(Trace(vertexes=(Vertex(f"sha256:{number}", name="x", started=1.0),)))
    assert len(buildkit.steps) == MOST_STEPS + 1
