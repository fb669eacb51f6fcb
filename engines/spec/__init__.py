"""A container as it is asked for, in all the forms that it is written in, and what of it those below manager may have.

Below the pages, since several judge containers (create, the limits' own page, exec and templates) and pages do not
import each other. Nothing here but `asking` talks to an engine.

- `types` the typed request; `body` what is sent of it; `inspected` what an engine made of it; `defaults` what nobody
  asked for taken out of that; `recreated` the request for one in the place of another; `stored` as JSON
- `docker_run`, `compose` as people write it; `parse` (with `shell`, `option_values`, `units`) what they wrote read back
- `facts` what has to be asked of the engine first; `limits` the judgement itself
"""
