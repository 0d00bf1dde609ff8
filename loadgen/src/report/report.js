(() => {
  const source = document.getElementById("seconds");
  if (!source) return;
  const { at, words, panels } = JSON.parse(source.textContent);
  const timeline = document.querySelector(".timeline");
  const end = Number(timeline.dataset.end);
  const figures = [...timeline.querySelectorAll("figure")].map((figure) => {
    const plot = figure.querySelector(".plot");
    const cursor = plot.appendChild(document.createElement("i"));
    cursor.className = "cursor";
    const keys = figure.querySelectorAll(".key b");
    return { figure, plot, cursor, keys, svg: plot.firstElementChild, values: panels[figure.dataset.panel] };
  });
  const show = (point) => {
    for (const { figure, plot, svg, cursor, values, keys } of figures) {
      const [box, outer] = [svg.getBoundingClientRect(), plot.getBoundingClientRect()];
      cursor.style.left = `${box.left - outer.left + (box.width * at[point]) / end}px`;
      cursor.style.display = "block";
      cursor.dataset.at = words[point];
      figure.classList.add("read");
      keys.forEach((key, line) => (key.textContent = values[line][point] ?? ""));
    }
  };
  const hide = () => {
    for (const { figure, cursor } of figures) {
      cursor.style.display = "none";
      figure.classList.remove("read");
    }
  };
  const nearest = (event, svg) => {
    const box = svg.getBoundingClientRect();
    const wanted = ((event.clientX - box.left) / box.width) * end;
    const distances = at.map((second) => Math.abs(second - wanted));
    return distances.indexOf(Math.min(...distances));
  };
  for (const { plot, svg } of figures) {
    plot.addEventListener("pointermove", (event) => show(nearest(event, svg)));
    plot.addEventListener("pointerleave", hide);
  }
})();
