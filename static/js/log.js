/** The log of an operation. */
