/** Of every table: a key that is not described is a mistake. */
export const closed = { additionalProperties: false };
