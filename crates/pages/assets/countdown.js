// Writes the time left into every element with data-expires (epoch milliseconds). data-now is the server's clock when
// the element was made: the reader's own clock may be wrong, so only its pace is trusted.
(() => {
  "use strict";

  const URGENT_SECONDS = 10;
  const skews = new WeakMap();

  function secondsLeft(element) {
    if (!skews.has(element)) {
      skews.set(element, Number(element.dataset.now || Date.now()) - Date.now());
    }
    const now = Date.now() + skews.get(element);
    return Math.max(0, Math.ceil((Number(element.dataset.expires) - now) / 1000));
  }

  function tick() {
    for (const element of document.querySelectorAll("[data-expires]")) {
      const left = secondsLeft(element);
      element.classList.toggle("is-urgent", left <= URGENT_SECONDS);
      if (element instanceof HTMLProgressElement) {
        element.value = Math.min(left, element.max);
        continue;
      }
      const text = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
      if (element.textContent !== text) {
        element.textContent = text;
      }
    }
  }

  tick();
  setInterval(tick, 250);
})();
