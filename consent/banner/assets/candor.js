// What the banner gains from a script: choosing without a reload, pages that are
// cached for everybody, and scripts of the host's that wait for a yes. It writes
// no HTML and evaluates no text, so it runs under Trusted Types without a policy
// of its own. Comments and indents are taken out when it is served.
(() => {
  'use strict';
  const D = document, R = D.documentElement, me = D.currentScript;
  if (!me || window.candor) return;
  const base = new URL('.', me.src).href;
  const all = q => D.querySelectorAll(q);
  // One polite live region, in the page before anything is said in it.
  const live = D.createElement('div');
  live.className = 'candor-live';
  live.setAttribute('role', 'status');
  D.body.append(live);
  window.candor = {purposes: {}, allowed: []};
  let asked = 0, state, known = '', later = false, last = null, parts = null;

  // show brings the page in line with the visitor's state.
  const show = s => {
    state = s;
    const states = Object.entries(s.purposes);
    const allowed = s.allowed || states.filter(([, v]) => v == 'granted').map(([p]) => p);
    const ask = states.some(([p, v]) => (v == 'unset' || v == 'stale') && !allowed.includes(p));
    later = later && ask;
    hide('.candor-banner', !ask || later);
    hide('.candor-withdraw', !states.some(([, v]) => v == 'granted'));
    const now = JSON.stringify([s.policy, s.purposes, allowed]);
    if (now != known) {
      if (known) for (const box of all('.candor-form input[name=purpose]')) box.checked = allowed.includes(box.value);
      known = now;
      window.candor = {policy: s.policy, source: s.source, purposes: s.purposes, allowed};
      D.dispatchEvent(new CustomEvent('candor:change', {detail: window.candor}));
      start(allowed);
    }
    place();
    // Without a banner or a way to change the choice in the page, they are fetched once.
    if (!parts && !all('.candor-page')[0] && (ask && !all('.candor-banner')[0] || !way())) {
      parts = fetchParts().then(() => show(state));
    }
  };
  const way = () => [...D.links].some(a => a.href == base);
  const hide = (q, hidden) => { for (const e of all(q)) e.hidden = hidden; };

  // refresh asks the server. An answer that was overtaken by a choice is dropped.
  const refresh = async () => {
    const mine = ++asked;
    try {
      const r = await fetch(base + 'decision', {credentials: 'include', headers: {Accept: 'application/json'}, cache: 'no-store'});
      const s = await r.json();
      if (r.ok && mine == asked) show(s);
    } catch {}
  };

  // start runs the host's scripts whose purposes are all allowed. The element
  // itself is put in again with its type: the parser's own text and address stay,
  // so the page's policies judge it as they would have. Where scripts of the page
  // carry a nonce, these must too, or this were a way around it.
  const start = allowed => {
    for (const s of all('script[type="text/plain"][data-consent]')) {
      if (!s.dataset.consent.trim().split(/\s+/).every(p => allowed.includes(p)) || me.nonce && s.nonce != me.nonce) continue;
      const parent = s.parentNode, next = s.nextSibling;
      s.remove();
      s.type = s.dataset.type || 'text/javascript';
      if (!s.hasAttribute('async')) s.async = false;
      parent.insertBefore(s, next);
    }
  };

  // fetchParts puts in what a page lacks that is the same for everybody. The
  // browser parses it as a document of its own, in which nothing runs.
  const fetchParts = () => new Promise(done => {
    const x = new XMLHttpRequest();
    x.open('GET', base + 'parts?language=' + encodeURIComponent(R.lang));
    x.responseType = 'document';
    x.onerror = done;
    x.onload = () => {
      const from = x.status == 200 && x.response, take = q => {
        const e = from && from.querySelector(q);
        if (!e || all(q)[0]) return;
        for (const a of e.querySelectorAll('a')) a.href = new URL(a.getAttribute('href'), base).href;
        return D.importNode(e, true);
      };
      const put = () => {
        const banner = take('.candor-banner'), change = way() || take('.candor-change');
        if (banner) {
          banner.hidden = true;
          banner.classList.add('candor-late');
          D.body.prepend(banner);
        }
        if (change !== true && change) D.body.append(change);
        ready();
        done();
      };
      const style = from && from.querySelector('link[rel=stylesheet]');
      if (!style || all('link[href*="/candor."]')[0]) return put();
      // Shown with its style or not at all: nothing jumps.
      const l = D.createElement('link');
      l.rel = 'stylesheet';
      l.nonce = me.nonce;
      l.onload = put;
      l.onerror = done;
      l.href = new URL(style.getAttribute('href'), base).href;
      D.head.append(l);
    };
    x.send();
  });

  // place tells the style how much of the window the banner takes, so that the
  // page scrolls what has the focus to where it can be seen.
  const place = () => {
    const b = all('.candor-banner')[0];
    if (b && !b.hidden && getComputedStyle(b).position == 'fixed') R.style.setProperty('--candor-height', b.offsetHeight + 'px');
    else R.style.removeProperty('--candor-height');
  };

  // keep moves the focus on where act hides what has it: back to where it was
  // before the banner had it, else to what the page is about.
  const keep = act => {
    const had = D.activeElement;
    act();
    if (!had || seen(had)) return;
    const form = had.closest('.candor-change');
    const to = form && form.querySelector('a') || last && last.isConnected && seen(last) && last || D.querySelector('main,h1') || D.body;
    to.focus({preventScroll: true});
    if (D.activeElement == to) return;
    to.tabIndex = -1;
    to.focus({preventScroll: true});
    to.addEventListener('blur', () => to.removeAttribute('tabindex'), {once: true});
  };
  const seen = e => e.getClientRects()[0];

  const say = (form, text) => {
    live.textContent = '';
    hide('.candor-said,.candor-token', true);
    setTimeout(() => { live.textContent = text; }, 50);
    for (const e of form.querySelectorAll('.candor-said')) {
      e.hidden = false;
      e.textContent = text;
    }
  };

  D.addEventListener('focusin', e => {
    if (!e.target.closest('.candor-banner')) last = e.target;
  });
  D.addEventListener('submit', async e => {
    const form = e.target;
    if (!form.matches('.candor-form')) return;
    e.preventDefault();
    const body = new URLSearchParams(new FormData(form)), by = e.submitter;
    if (by && by.name) body.set(by.name, by.value);
    const mine = ++asked;
    try {
      // form.action is the button of that name.
      const to = base + form.getAttribute('action').split('/').pop();
      const r = await fetch(to, {method: 'POST', credentials: 'include', headers: {Accept: 'application/json'}, body});
      if (!r.ok) throw 0;
      const s = await r.json();
      if (mine != asked) return;
      for (const e of all('.candor-state')) e.textContent = form.dataset.saved;
      say(form, form.dataset.saved);
      keep(() => show(s));
      // Who took back the last yes keeps the key to the records of it.
      const e = s.receipt && (form.querySelector('.candor-token') || all('.candor-token')[0]);
      if (e) {
        e.hidden = false;
        e.querySelector('code').textContent = s.receipt;
      }
    } catch {
      say(form, form.dataset.failed);
    }
  });

  // ready makes what works with a script only work.
  const ready = () => {
    for (const b of all('.candor-later')) {
      b.hidden = false;
      b.onclick = () => keep(() => {
        later = true;
        hide('.candor-banner', true);
        place();
      });
    }
    for (const b of all('.candor-banner')) new ResizeObserver(place).observe(b);
  };
  ready();

  // A page that comes back from a cache of the browser's may be from before a choice.
  addEventListener('pageshow', e => { if (e.persisted) refresh(); });
  const [nav] = performance.getEntriesByType('navigation');
  if (me.dataset.state && !(nav && nav.type == 'back_forward')) show(JSON.parse(me.dataset.state));
  else refresh();
})();
