/* Runs before anything is drawn, so that no light page flashes up for who chose a dark one. See theme.ts. */
const theme = localStorage.getItem("sotto.theme");
if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
