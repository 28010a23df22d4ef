// Marks the card that was taken in hand. The links themselves work without this: each opens its card in the frame.
(() => {
  "use strict";

  const tabs = document.querySelectorAll("[data-tab]");
  for (const tab of tabs) {
    tab.addEventListener("click", () => {
      for (const other of tabs) {
        other.removeAttribute("aria-current");
      }
      tab.setAttribute("aria-current", "true");
    });
  }
})();
