"use strict";
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => sortBy(button.closest("th")));
}

function sortBy(heading) {
  const body = heading.closest("table").tBodies[0];
  const descending = heading.getAttribute("aria-sort") === "ascending";
  for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const numeric = heading.classList.contains("number");
  const keyed = [...body.rows].map((row) => ({ row, key: keyOf(row.cells[heading.cellIndex], numeric) }));
  keyed.sort((a, b) => compare(a.key, b.key, descending));
  body.append(...keyed.map((one) => one.row));
}

// null: there is nothing to sort by.
function keyOf(cell, numeric) {
  const text = numeric ? cell.dataset.value : cell.textContent;
  if (text === undefined || text === "–") return null;
  return numeric ? Number(text) : text;
}

// What is missing stands last, whatever the direction.
function compare(a, b, descending) {
  if (a === null || b === null) return (a === null) - (b === null);
  const order = typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true });
  return descending ? -order : order;
}
