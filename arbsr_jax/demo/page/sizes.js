// What size a picture gets: exact fractions, so that both engines and the command line agree to the pixel.

export const LARGEST = 8, STEP = 20;  // factors are multiples of 1 / STEP on the sliders

const gcd = (a, b) => (b ? gcd(b, a % b) : a);

/** A factor p / q in lowest terms. */
export function fraction(p, q) {
  const common = gcd(p, q);
  return { p: p / common, q: q / common, value: p / q };
}

/** A number such as 2.35 as an exact fraction. */
export const decimal = x => fraction(Math.round(x * 1000), 1000);

/** A length enlarged by p / q, rounded half up. */
export const enlarged = (length, f) => Math.max(1, Math.floor((2 * length * f.p + f.q) / (2 * f.q)));

/** The rule "these two factors". */
export const byFactors = (h, v) => picture => target(picture, decimal(h), decimal(v));

/** The rule "exactly this size". */
export const bySize = (width, height) => picture => ({
  width, height, exact: true,
  columns: fraction(width, picture.width), rows: fraction(height, picture.height),
});

/** The rule "as large as fits into this box, in the picture's shape". */
export const byBox = (width, height) => picture => {
  const factor = Math.min(LARGEST, Math.max(1, Math.min(width / picture.width, height / picture.height)));
  return bySize(Math.round(picture.width * factor), Math.round(picture.height * factor))(picture);
};

/** The rule "as large as fits on this sheet", upright or lying as the picture is. */
export const byPage = (short, long) => picture =>
  (picture.width > picture.height ? byBox(long, short) : byBox(short, long))(picture);

/** The rule "this shape", keeping the larger of the sides that another rule gives. */
export const byShape = (across, down, rule) => picture => {
  const now = rule(picture);
  let { width, height } = now;
  if (width * down >= height * across) height = Math.round(width * down / across);
  else width = Math.round(height * across / down);
  return bySize(width, height)(picture);
};

/** A rule's goal, brought within the factors and the pixels that are allowed; its field `clamped` says so. */
export function allowed(rule, picture, most) {
  const goal = rule(picture), held = x => Math.min(LARGEST, Math.max(1, x));
  let [h, v] = [held(goal.columns.value), held(goal.rows.value)];
  const area = picture.width * picture.height, few = most / area;
  if (h * v > few) {  // both by one share; where one meets 1 the other gives way alone
    const share = Math.sqrt(few / (h * v));
    [h, v] = [held(h * share), held(v * share)];
    [h, v] = [Math.min(h, Math.max(1, few / v)), Math.min(v, Math.max(1, few / h))];
  }
  if (h === goal.columns.value && v === goal.rows.value && goal.width * goal.height <= most) return goal;
  if (h * v < few * 0.999 && goal.exact) {
    const size = bySize(Math.min(Math.max(goal.width, picture.width), LARGEST * picture.width),
      Math.min(Math.max(goal.height, picture.height), LARGEST * picture.height))(picture);
    if (size.width * size.height <= most) return { ...size, clamped: true };
  }
  const down = x => Math.max(1, Math.floor(x * STEP + 1e-9) / STEP);
  return { ...byFactors(down(h), down(v))(picture), clamped: true };
}

function target(picture, columns, rows) {
  return { width: enlarged(picture.width, columns), height: enlarged(picture.height, rows), columns, rows };
}

/** The factors as names of files and the command line say them: 2.5x3.5, or the size if no short factors give it. */
export const label = goal => goal.exact ? `${goal.width}x${goal.height}` : `${goal.columns.value}x${goal.rows.value}`;
