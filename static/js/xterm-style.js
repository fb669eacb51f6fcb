/**
 * xterm writes <style> elements and style attributes, which the Content-Security-Policy forbids. Both are turned into what
 * it allows: sheets made by script, and declarations set one by one. To be imported before xterm opens a terminal.
 */
const make = document.createElement;

document.createElement = function createElement(name, ...rest) {
  if (String(name).toLowerCase() !== "style") return make.call(this, name, ...rest);
  const holder = make.call(this, "template");
  const sheet = new CSSStyleSheet();
  let text = "";
  document.adoptedStyleSheets.push(sheet);
  Object.defineProperty(holder, "textContent", {
    get: () => text,
    set: (value) => {
      text = value;
      sheet.replaceSync(value);
    },
  });
  holder.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((each) => each !== sheet);
    Element.prototype.remove.call(holder);
  };
  return holder;
};

HTMLSpanElement.prototype.setAttribute = function setAttribute(name, value) {
  if (name === "style") this.style.cssText = value;
  else Element.prototype.setAttribute.call(this, name, value);
};
