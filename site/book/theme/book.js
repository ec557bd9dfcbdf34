// All that these pages do beyond standing still: colours, contents, search, copying, and telling when the evidence has aged.
// Nothing is fetched but files of this site, and every page reads well without this script.
(() => {
    const root = document.documentElement;
    const script = document.currentScript;
    const store = {
        get: (key) => { try { return localStorage.getItem(key); } catch { return null; } },
        set: (key, value) => { try { localStorage.setItem(key, value); } catch { /* private window: forget it */ } },
    };

    // Before the page is drawn, so that it does not flash.
    const paint = (scheme) => { root.dataset.scheme = scheme; };
    root.classList.add('js');
    paint(store.get('proofbook-scheme') ?? 'auto');

    function colours() {
        const select = document.getElementById('scheme');
        select.parentElement.hidden = false;
        select.value = root.dataset.scheme;
        select.addEventListener('change', () => {
            paint(select.value);
            store.set('proofbook-scheme', select.value);
        });
    }

    function contents() {
        const button = document.querySelector('.menu');
        button.hidden = false;
        button.addEventListener('click', () => {
            button.setAttribute('aria-expanded', String(root.classList.toggle('menu-open')));
        });
    }

    // A green badge must not stay green for ever: after its time it says so, whatever the page said when it was made.
    function freshness() {
        for (const badge of document.querySelectorAll('[data-fresh-until]')) {
            const fresh = Date.now() < Date.parse(badge.dataset.freshUntil) && !badge.classList.contains('is-stale');
            badge.classList.toggle('is-fresh', fresh);
            badge.classList.toggle('is-stale', !fresh);
            if (!fresh) {
                badge.querySelector('.fresh-word').textContent = 'Stale since';
            }
        }
        if (document.querySelector('.run .is-stale')) {
            root.classList.add('is-past');
            document.querySelector('.past').hidden = false;
        }
    }

    function copying() {
        for (const block of document.querySelectorAll('pre.copy')) {
            const button = document.createElement('button');
            button.type = 'button';
            button.className = 'copy-button';
            button.textContent = 'Copy';
            button.addEventListener('click', async () => {
                try {
                    await navigator.clipboard.writeText(block.textContent);
                    button.textContent = 'Copied';
                } catch {
                    getSelection().selectAllChildren(block);
                    button.textContent = 'Selected';
                }
            });
            block.parentElement.prepend(button);
        }
    }

    // Closed details would be missing on paper.
    function printing() {
        let closed = [];
        addEventListener('beforeprint', () => {
            closed = [...document.querySelectorAll('details:not([open])')];
            closed.forEach((details) => { details.open = true; });
        });
        addEventListener('afterprint', () => closed.forEach((details) => { details.open = false; }));
    }

    function search() {
        const query = document.getElementById('query');
        const found = document.querySelector('.found');
        const count = document.getElementById('found-count');
        let index;
        window.search = {};

        const load = (url) => new Promise((resolve, reject) => {
            const element = document.createElement('script');
            element.src = url;
            element.onload = resolve;
            element.onerror = reject;
            document.head.append(element);
        });
        const prepare = () => index ??= Promise.all([load(script.dataset.engine), load(script.dataset.index)])
            .then(() => window.elasticlunr.Index.load(window.search.index));

        const entry = (result) => {
            const item = document.createElement('li');
            const link = document.createElement('a');
            link.href = root.dataset.root + window.search.doc_urls[result.ref];
            link.textContent = result.doc.breadcrumbs;
            item.append(link);
            return item;
        };
        const show = async () => {
            const words = query.value.trim();
            found.hidden = words === '';
            if (found.hidden) {
                return;
            }
            const results = (await prepare()).search(words, {...window.search.search_options, bool: 'AND'});
            if (query.value.trim() !== words) {
                return;
            }
            const shown = results.slice(0, window.search.results_options.limit_results);
            count.textContent = results.length > shown.length
                ? `${results.length} places have “${words}”; the first ${shown.length}:`
                : `${results.length === 1 ? '1 place has' : results.length + ' places have'} “${words}”`;
            found.querySelector('ol').replaceChildren(...shown.map(entry));
        };

        document.querySelector('.search').hidden = false;
        query.addEventListener('focus', prepare, {once: true});
        query.addEventListener('input', show);
        addEventListener('keydown', (event) => {
            const typing = event.target.closest?.('input, select, textarea');
            if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
                event.preventDefault();
                query.focus();
            } else if (event.key === 'Escape' && !found.hidden) {
                query.value = '';
                found.hidden = true;
                query.focus();
            }
        });
    }

    document.addEventListener('DOMContentLoaded', () => {
        colours();
        contents();
        freshness();
        copying();
        printing();
        search();
    });
})();
