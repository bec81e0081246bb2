// Sends how fast the page was (web_vitals) and which other site a link led to
// (outbound_link), once each, to the address beside its own. Whether anything is
// kept is decided by the server. It stores nothing and reads nothing that is
// stored.
(function () {
  "use strict";
  var own = document.currentScript;
  if (!own || !navigator.sendBeacon || !window.PerformanceObserver) return;
  var beacon = new URL("beacon", own.src).href;
  function send(event, properties) {
    navigator.sendBeacon(beacon, JSON.stringify({ event: event, properties: properties }));
  }
  function start() {
    var vitals = {}, sent = false, cls = 0, from = 0, last = 0, part = 0;
    // Before a prerendered page was shown nobody waited for it.
    var nav = performance.getEntriesByType("navigation")[0];
    var shown = (nav && nav.activationStart) || 0;
    var late = [];
    function observe(type, see, options) {
      try {
        var o = new PerformanceObserver(function (list) { list.getEntries().forEach(see); });
        o.observe(Object.assign({ type: type, buffered: true }, options));
        late.push(function () { o.takeRecords().forEach(see); });
      } catch (e) { /* this browser does not measure it */ }
    }
    if (nav && nav.responseStart > 0) vitals.ttfb = Math.max(nav.responseStart - shown, 0);
    observe("paint", function (e) {
      if (e.name === "first-contentful-paint") vitals.fcp = Math.max(e.startTime - shown, 0);
    });
    observe("largest-contentful-paint", function (e) { vitals.lcp = Math.max(e.startTime - shown, 0); });
    observe("layout-shift", function (e) {
      if (e.hadRecentInput) return;
      // Shifts within a second of each other, at most five seconds, are one.
      if (part && e.startTime - last < 1000 && e.startTime - from < 5000) part += e.value;
      else { part = e.value; from = e.startTime; }
      last = e.startTime;
      if (part > cls) cls = part;
    });
    observe("event", function (e) {
      if (e.interactionId && e.duration > (vitals.inp || 0)) vitals.inp = e.duration;
    }, { durationThreshold: 40 });
    function finish() {
      if (sent || document.visibilityState !== "hidden") return;
      sent = true;
      late.forEach(function (take) { take(); });
      vitals.cls = cls;
      send("web_vitals", vitals);
    }
    document.addEventListener("visibilitychange", finish);
    document.addEventListener("click", function (e) {
      var a = e.target && e.target.closest && e.target.closest("a[href]");
      if (a && /^https?:$/.test(a.protocol) && a.host !== location.host) send("outbound_link", { host: a.hostname });
    }, true);
  }
  if (document.prerendering) document.addEventListener("prerenderingchange", start, { once: true });
  else start();
})();
