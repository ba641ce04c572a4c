// What the browser keeps; nothing where its user does not let it.

function area(name) {
  try {
    return window[name];
  } catch {
    return null;
  }
}

/** For as long as the tab is open, and for it alone. */
export const tab = area("sessionStorage");

/** For as long as the user likes. */
export const browser = area("localStorage");
