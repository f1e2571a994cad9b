/** The messenger itself: most of the program, fetched while the page asks for the passphrase. */
export { open, readGroupLink } from "@sotto/client/web";
