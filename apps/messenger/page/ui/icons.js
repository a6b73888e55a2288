// Line icons on a 20 px grid, drawn with the colour of the text around them.

const PATHS = {
  add: "M10 4v12M4 10h12",
  back: "M12.5 4.5 7 10l5.5 5.5",
  bell: "M5 8.500a5 5 0 0 1 10 0c0 3.800 1.500 5 1.500 5h-13s1.500-1.200 1.500-5M8.300 16.200a2 2 0 0 0 3.400 0",
  check: "M4 10.600 8 14.500l8-9",
  clock: "M10 6v4.300l2.800 1.700M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14Z",
  close: "m5 5 10 10M15 5 5 15",
  copy: "M7.500 7.500h8v8h-8zM4.500 12.500v-8h8",
  down: "M10 4v11.500M4.800 10.500 10 15.700l5.200-5.200",
  edit: "m4 16 .8-3.600L13 4.200a1.400 1.400 0 0 1 2 0l.8.800a1.400 1.400 0 0 1 0 2L7.600 15.200 4 16Z",
  flow: "M3 6h6l2 8h6M14 11l3 3-3 3M3 14h4M13 6h4",
  hash: "M7.800 3.500 6.200 16.500M13.800 3.500l-1.600 13M3.800 7.500h13M3.200 12.500h13",
  leave: "M8 4H4.500v12H8M12 6.500l3.500 3.500-3.500 3.500M15 10H7.500",
  lock: "M5 9.200h10v7.300H5zM7 9V6.800a3 3 0 0 1 6 0V9",
  more: "M5 10h.01M10 10h.01M15 10h.01",
  people: "M7.500 9.500a2.750 2.750 0 1 0 0-5.500 2.750 2.750 0 0 0 0 5.500ZM2.500 16c.3-2.700 2.300-4.300 5-4.300s4.700 1.600 5 4.300M13 4.300a2.600 2.600 0 0 1 0 5M14.800 12c1.600.6 2.500 2 2.700 4",
  reply: "M8 5 3.500 9.500 8 14M4 9.500h7.500c3 0 5 2 5 5.500",
  search: "M9 14.500a5.500 5.500 0 1 0 0-11 5.500 5.500 0 0 0 0 11ZM13.200 13.200 17 17",
  send: "M10 16V4.500M5 9.200l5-5 5 5",
  smile: "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM7 11.700c1.500 2.200 4.500 2.200 6 0M7.700 8.200h.01M12.300 8.200h.01",
  trash: "M4 6h12M8 6V4h4v2M5.500 6l.7 10h7.600l.7-10",
  warning: "M10 6.500v4.300M10 13.500v.01M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14Z",
};

const SVG = "http://www.w3.org/2000/svg";

export function icon(name, size = 20) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of [["viewBox", "0 0 20 20"], ["width", size], ["height", size], ["aria-hidden", "true"]]) {
    svg.setAttribute(key, String(value));
  }
  svg.classList.add("icon", `icon-${name}`);
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", PATHS[name]);
  svg.append(line);
  return svg;
}
