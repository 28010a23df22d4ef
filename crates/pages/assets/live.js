// Keeps a live page honest: says when its connection is down, and speaks to screen readers only when there is news.
(() => {
  "use strict";

  const root = document.documentElement;
  document.addEventListener("htmx:sseOpen", () => root.classList.remove("is-lost"));
  document.addEventListener("htmx:sseError", () => root.classList.add("is-lost"));

  // An event repeats the whole state; the same sentence twice is noise to whoever listens.
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    const { target, fragment } = event.detail;
    if (target.id === "live-status" && target.textContent.trim() === fragment.textContent.trim()) {
      event.preventDefault();
    }
  });
})();
