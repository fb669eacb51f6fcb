"""A container as it is asked for, and what of it is refused to those below manager.

Below the pages, since several judge containers (create, the limits' own page, later exec and templates) and pages do
not import each other. `types` the typed request, `body` what is sent of it, `inspected` what an engine made of it,
`facts` what has to be asked of the engine first, `limits` the judgement itself, which is pure.
"""
