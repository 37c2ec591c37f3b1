/** Whether all of a dear test's cases are wanted: `npm run test:long`. `npm test` takes a few of them. */
export const isLong = process.env["MODE"] === "long";
