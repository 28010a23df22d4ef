// The terminal's small helps. Without them every page works by its forms and by asking for itself again.
(() => {
  "use strict";

  // A tap that has ended says where its page leads.
  function follow() {
    const link = document.querySelector("[data-leads-to]");
    if (link && new URL(link.href, location.href).origin === location.origin) {
      location.replace(link.href);
    }
  }

  document.addEventListener("htmx:sseMessage", follow);
  follow();

  // Whoever types another amount means another amount.
  for (const field of document.querySelectorAll("[data-chooses]")) {
    const radio = field.closest("form").querySelector(`input[type="radio"][value="${field.dataset.chooses}"]`);
    field.addEventListener("input", () => {
      radio.checked = true;
    });
    radio.addEventListener("change", () => field.focus());
  }
})();
