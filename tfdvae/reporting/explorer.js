"use strict";
const data = JSON.parse(document.getElementById("explorer-data").textContent);
const [height, width] = data.tile;
const SIDE = 168;

function picture(canvas, sprite) {
  const zoom = Math.max(1, Math.round(SIDE / Math.max(height, width)));
  canvas.width = width * zoom;
  canvas.height = height * zoom;
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  const sheet = new Image();
  let wanted = null;
  function draw() {
    if (!sheet.complete || wanted === null) return;
    const left = (wanted % sprite.columns) * width;
    const top = Math.floor(wanted / sprite.columns) * height;
    context.drawImage(sheet, left, top, width, height, 0, 0, canvas.width, canvas.height);
    canvas.dataset.shown = wanted;
  }
  sheet.onload = draw;
  sheet.src = sprite.source;
  return (number) => { wanted = number; draw(); };
}

function units() {
  const { together, numbers, values, start, sprite } = data.units;
  const show = picture(document.getElementById("unit-picture"), sprite);
  const sliders = values.map((steps, unit) => {
    const label = document.createElement("label");
    label.className = "slider";
    const name = document.createElement("span");
    name.textContent = `unit ${numbers[unit]}`;
    label.append(name);
    const slider = Object.assign(document.createElement("input"), {
      type: "range", min: 0, max: steps.length - 1, value: start[unit],
    });
    const output = document.createElement("output");
    label.append(slider, output);
    document.getElementById("unit-sliders").append(label);
    slider.addEventListener("input", () => update(unit));
    return { slider, output };
  });
  function update(moved) {
    if (!together) {
      sliders.forEach(({ slider }, unit) => {
        if (unit !== moved) slider.value = start[unit];
      });
    }
    sliders.forEach(({ slider, output }, unit) => {
      const value = values[unit][slider.value].toFixed(2);
      output.textContent = value;
      slider.setAttribute("aria-valuetext", value);
    });
    const places = sliders.map(({ slider }) => Number(slider.value));
    show(
      together
        ? places.reduce((number, place, unit) => number * values[unit].length + place, 0)
        : moved * values[moved].length + places[moved],
    );
  }
  update(0);
}

function between() {
  const { names, steps, sprite } = data.between;
  const show = picture(document.getElementById("between-picture"), sprite);
  const [from, to] = ["between-from", "between-to"].map((id) => document.getElementById(id));
  const place = document.getElementById("between-place");
  for (const select of [from, to]) {
    names.forEach((name, number) => select.append(new Option(name, number)));
  }
  to.value = 1;
  place.max = steps - 1;
  function update() {
    const [a, b] = [Number(from.value), Number(to.value)];
    let [first, second] = [Math.min(a, b), Math.max(a, b)];
    let step = a <= b ? Number(place.value) : steps - 1 - Number(place.value);
    if (a === b) {
      [first, second, step] = a === 0 ? [0, 1, 0] : [0, a, steps - 1];
    }
    const pair = first * names.length - (first * (first + 1)) / 2 + second - first - 1;
    place.nextElementSibling.textContent = `${Math.round((100 * place.value) / (steps - 1))}%`;
    show(pair * steps + step);
  }
  for (const input of [from, to, place]) input.addEventListener("input", update);
  update();
}

const SHAPES = [
  (r) => `M${-r},0a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0`,
  (r) => `M${-r},${-r}h${2 * r}v${2 * r}h${-2 * r}z`,
  (r) => `M0,${-1.2 * r}L${1.2 * r},${r}H${-1.2 * r}z`,
  (r) => `M0,${-1.4 * r}L${1.4 * r},0L0,${1.4 * r}L${-1.4 * r},0z`,
  (r) => `M0,${1.2 * r}L${1.2 * r},${-r}H${-1.2 * r}z`,
];

function marker(label, radius) {
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", SHAPES[label % SHAPES.length](radius));
  path.setAttribute("fill", data.map.colors[label % data.map.colors.length]);
  return path;
}

function map() {
  const { names, labels, numbers, points, sprite } = data.map;
  const show = picture(document.getElementById("map-picture"), sprite);
  const svg = document.getElementById("map");
  const text = document.getElementById("map-text");
  const markers = labels.map((label) => svg.appendChild(marker(label, 4)));
  const ring = svg.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "circle"));
  ring.setAttribute("r", 9);
  let places = [];
  let chosen = 0;
  function choose(number) {
    chosen = number;
    ring.setAttribute("transform", `translate(${places[number]})`);
    const name = names.length ? `: ${names[labels[number]]}` : "";
    text.textContent = `Test image ${numbers[number]}${name}`;
    show(number);
  }
  function use(kind) {
    places = points[kind].map(([x, y]) => [20 + 600 * x, 620 - 600 * y]);
    markers.forEach((path, number) => {
      path.setAttribute("transform", `translate(${places[number]})`);
    });
    choose(chosen);
  }
  const kinds = Object.keys(points).filter((kind) => points[kind]);
  kinds.forEach((kind, number) => {
    const label = document.createElement("label");
    const radio = Object.assign(document.createElement("input"), {
      type: "radio", name: "map-kind", checked: number === 0,
    });
    radio.addEventListener("change", () => use(kind));
    label.append(radio, ` ${kind}`);
    document.getElementById("map-kind").append(label);
  });
  names.forEach((name, label) => {
    const item = document.createElement("li");
    const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    icon.setAttribute("viewBox", "-8 -8 16 16");
    icon.append(marker(label, 5));
    item.append(icon, name);
    document.getElementById("map-legend").append(item);
  });
  function point(event) {
    const screen = svg.getScreenCTM().inverse();
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(screen);
    const distances = places.map(([x, y]) => Math.hypot(x - at.x, y - at.y));
    const nearest = distances.indexOf(Math.min(...distances));
    if (distances[nearest] < 20) choose(nearest);
  }
  svg.addEventListener("pointermove", point);
  svg.addEventListener("pointerdown", point);
  const DIRECTIONS = {
    ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
  };
  svg.addEventListener("keydown", (event) => {
    const direction = DIRECTIONS[event.key];
    if (!direction) return;
    event.preventDefault();
    let best = null;
    let least = Infinity;
    places.forEach(([x, y], number) => {
      const [dx, dy] = [x - places[chosen][0], y - places[chosen][1]];
      const along = dx * direction[0] + dy * direction[1];
      const across = Math.abs(dx * direction[1]) + Math.abs(dy * direction[0]);
      const far = along + 3 * across;
      if (number !== chosen && along > 0 && far < least) [best, least] = [number, far];
    });
    if (best !== null) choose(best);
  });
  use(kinds[0]);
}

units();
if (data.between) between();
if (document.getElementById("map")) map();
