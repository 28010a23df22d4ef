// The card's key. Tells the card host when it goes down and when it comes up, and nothing else: how long a press was
// and what it means is decided there. The ring and the words only show the holder where the press stands.
(() => {
  "use strict";

  const REFUSE_MS = 1500;
  const NOT_ME_MS = 5000;
  const STAGES = ["is-down", "is-refuse", "is-not-me"];

  function attach(key) {
    const stage = key.closest(".card-hand");
    let heldBy = null;
    let timers = [];
    let queue = Promise.resolve();

    // One after the other: an "up" that overtook its "down" would leave the key stuck.
    function send(edge) {
      queue = queue
        .then(() => fetch(key.dataset.keyUrl, { method: "POST", body: new URLSearchParams({ edge }), keepalive: true }))
        .then((answer) => {
          if (!answer.ok) {
            throw new Error(`key: ${answer.status}`);
          }
        })
        .catch(() => document.documentElement.classList.add("is-lost"));
    }

    function reach(name) {
      stage.classList.add(name);
      if (navigator.vibrate) {
        navigator.vibrate(12);
      }
    }

    function down(by) {
      if (heldBy !== null) {
        return;
      }
      heldBy = by;
      send("down");
      reach("is-down");
      timers = [setTimeout(reach, REFUSE_MS, "is-refuse"), setTimeout(reach, NOT_ME_MS, "is-not-me")];
    }

    function up(by) {
      if (heldBy === null || (by !== undefined && by !== heldBy)) {
        return;
      }
      heldBy = null;
      timers.forEach(clearTimeout);
      stage.classList.remove(...STAGES);
      send("up");
    }

    key.addEventListener("pointerdown", (event) => {
      if (event.button === 0 && heldBy === null) {
        key.setPointerCapture(event.pointerId);
        down(event.pointerId);
      }
    });
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
      key.addEventListener(name, (event) => up(event.pointerId));
    }
    // A long touch asks for a menu after half a second. It is suppressed, not taken for "up": otherwise nobody could
    // hold the key for 1.5 seconds on a phone. A browser that insists cancels the pointer, and that is an "up".
    key.addEventListener("contextmenu", (event) => event.preventDefault());

    const isPress = (event) => event.code === "Space" || event.key === " " || event.key === "Enter";
    key.addEventListener("keydown", (event) => {
      if (!isPress(event) || event.ctrlKey || event.metaKey || event.altKey) {
        return;
      }
      event.preventDefault();
      if (!event.repeat) {
        down("keyboard");
      }
    });
    key.addEventListener("keyup", (event) => {
      if (isPress(event)) {
        event.preventDefault();
        up("keyboard");
      }
    });

    // Whatever takes the holder away lets go of the key.
    key.addEventListener("blur", () => up());
    window.addEventListener("blur", () => up());
    window.addEventListener("pagehide", () => up());
    document.addEventListener("visibilitychange", () => document.hidden && up());
  }

  document.querySelectorAll("[data-key-url]").forEach(attach);
})();
