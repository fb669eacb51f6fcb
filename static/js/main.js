/** What every page runs. Each module minds its own marks in the page, and does nothing where there are none. */
import htmx from "htmx";
import { markup } from "./trusted.js";
import "./live.js";
import "./theme.js";
import "./jump.js";
import "./tabs.js";
import "./list.js";
import "./confirm.js";
import "./actions.js";
import "./log.js";
import "./copy.js";
import "./passkeys.js";

// Its policy makes markup only, no scripts: one in a part of a page is never run.
htmx.registerExtension("trusted", { init: (api) => api.initSecurity(markup) });
