"""One asyncio process that follows the events of every engine, keeps its state, and hints the pages."""
