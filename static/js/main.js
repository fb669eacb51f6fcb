/** What every page runs. Each module minds its own marks in the page, and does nothing where there are none. */
import "htmx";
import "./live.js";
import "./theme.js";
import "./jump.js";
import "./list.js";
import "./confirm.js";
import "./actions.js";
import "./log.js";
