// The arithmetic of the explorers, as in _numerics.py (tests/widgets/test_arithmetic.py compares the two).

/** How windows lie along one axis of the padded input. */
export function fitWindows({ size, kernel, stride = 1, padding = 0, dilation = 1 }) {
  const padded = size + 2 * padding; // length of the padded input
  const reach = dilation * (kernel - 1) + 1; // length a (dilated) kernel covers
  const span = padded - reach; // room to slide; negative where the kernel is larger than the input
  const windows = span >= 0 ? Math.floor(span / stride) + 1 : 0; // whole windows
  const remainder = span >= 0 ? span % stride : 0; // what the last stride leaves over
  return { padded, reach, span, windows, remainder };
}

/** For each row (or column) of the padded input: does no window ever read it? */
export function unread(settings) {
  const { padded, windows } = fitWindows(settings);
  const lost = new Array(padded).fill(true);
  for (let i = 0; i < windows; i++)
    for (let k = 0; k < settings.kernel; k++) lost[settings.stride * i + settings.dilation * k] = false;
  return lost;
}

/** The formula of the output size, with its numbers. */
export function formula(settings) {
  const { size, kernel, stride, padding, dilation, convention } = settings;
  const { span, windows, remainder } = fitWindows(settings);
  const reach = dilation === 1 ? `− ${kernel}` : `− ${dilation}·(${kernel} − 1) − 1`;
  const room = `(${size} + 2·${padding} ${reach})/${stride}`;
  if (convention === "floor" && remainder) return `⌊${room}⌋ + 1 = ${windows}`;
  const exact = (1000 * span) % stride === 0;
  let value = (span / stride + 1).toFixed(exact ? 3 : 2);
  if (exact) value = value.replace(/\.?0+$/, "");
  return `${room} + 1 ${exact ? "=" : "≈"} ${value.replace("-", "−")}`;
}

/** Side of the output (null where there is none), and what is to be said about it. */
export function verdict(settings) {
  const { kernel, stride, padding, dilation, operation, convention } = settings;
  const { padded, reach, span, windows, remainder } = fitWindows(settings);
  if (span < 0) {
    const dilated = dilation > 1 ? ` with dilation ${dilation}` : "";
    const whole = padding ? "padded input" : "input";
    return {
      side: null,
      words:
        `The ${kernel}×${kernel} kernel${dilated} covers ${reach}×${reach} pixels, ` +
        `the ${whole} has only ${padded}×${padded}: there is no output.`,
    };
  }
  if (operation !== "convolution" && 2 * padding > reach)
    return {
      side: null,
      words:
        `Frameworks refuse to pool with padding ${padding} here: padding may be at most half of what the kernel ` +
        `covers (${reach}), lest a window hold nothing but padding.`,
    };
  if (remainder && convention === "exact")
    return {
      side: null,
      words:
        `It does not fit: after ${windows} window${windows > 1 ? "s" : ""} the next one would stick out by ` +
        `${stride - remainder}. By the exact convention this filter cannot be applied with stride ${stride}.`,
    };
  let words = `The output is ${windows}×${windows}.`;
  if (remainder) {
    const lost = remainder === 1 ? "row and column" : `${remainder} rows and columns`;
    const whole = padding ? "padded input" : "input";
    words += ` It does not fit exactly; frameworks round down, and the last ${lost} of the ${whole} are never read.`;
  }
  if (unread(settings).slice(0, padded - remainder).some(Boolean))
    words += ` With stride ${stride} there are pixels between the windows that are never read.`;
  return { side: windows, words };
}

/**
 * Slides a window over maps ({side, channels: [Float64Array side·side, …]}) and returns the output maps alike.
 * A convolution weighs the mean of the channels and gives one map; pooling keeps the channels.
 */
export function slide(maps, settings, { weights, divisor }) {
  const { kernel, stride, padding, dilation, operation } = settings;
  const { windows: side } = fitWindows({ ...settings, size: maps.side });
  const n = maps.side;
  const convolving = operation === "convolution";
  const channels = convolving ? [meanChannel(maps)] : maps.channels;
  const outputs = channels.map((values) => {
    const out = new Float64Array(side * side);
    for (let i = 0; i < side; i++)
      for (let j = 0; j < side; j++) {
        let sum = 0;
        let largest = -Infinity;
        for (let k = 0; k < kernel; k++) {
          const y = i * stride - padding + k * dilation;
          if (y < 0 || y >= n) continue;
          for (let l = 0; l < kernel; l++) {
            const x = j * stride - padding + l * dilation;
            if (x < 0 || x >= n) continue;
            const value = values[y * n + x];
            if (convolving) sum += value * weights[k * kernel + l];
            else if (operation === "max pooling") largest = Math.max(largest, value);
            else sum += value;
          }
        }
        out[i * side + j] =
          operation === "max pooling" ? largest : sum / (convolving ? divisor : kernel * kernel);
      }
    return out;
  });
  return { side, channels: outputs };
}

/** The mean over the channels: what a filter with equal weights on all of them sees. */
export function meanChannel({ side, channels }) {
  if (channels.length === 1) return channels[0];
  const mean = new Float64Array(side * side);
  for (const values of channels) for (let i = 0; i < mean.length; i++) mean[i] += values[i] / channels.length;
  return mean;
}

/** Brings an image ({side, count: channels, values: H-W-C}) to `size`: each pixel the mean of those it overlaps. */
export function resize({ side, count, values }, size) {
  const edges = Array.from({ length: size }, (_, i) => [
    Math.floor((i * side) / size),
    Math.ceil(((i + 1) * side) / size),
  ]);
  const channels = Array.from({ length: count }, () => new Float64Array(size * size));
  edges.forEach(([top, bottom], i) =>
    edges.forEach(([left, right], j) => {
      for (let c = 0; c < count; c++) {
        let sum = 0;
        for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) sum += values[(y * side + x) * count + c];
        channels[c][i * size + j] = sum / ((bottom - top) * (right - left));
      }
    }),
  );
  return { side: size, channels };
}

/** Receptive field r and jump j of each layer ([kind, kernel, stride], …), the input first. */
export function fields(layers) {
  const all = [{ r: 1, j: 1 }];
  for (const [, kernel, stride] of layers) {
    const { r, j } = all[all.length - 1];
    all.push({ r: r + (kernel - 1) * j, j: j * stride });
  }
  return all;
}

/** Side of each layer's map, the input first; 0 where nothing is left. */
export function sides(size, layers) {
  const all = [size];
  for (const [, kernel, stride] of layers) {
    const before = all[all.length - 1];
    all.push(before ? fitWindows({ size: before, kernel, stride }).windows : 0);
  }
  return all;
}

/** First and last unit, along one axis, of each layer from `layer` down to the input that `unit` depends on. */
export function reads(layers, layer, unit) {
  const spans = [[unit, unit]];
  for (const [, kernel, stride] of layers.slice(0, layer).reverse()) {
    const [low, high] = spans[spans.length - 1];
    spans.push([low * stride, high * stride + kernel - 1]);
  }
  return spans;
}

/** A number as the widgets write it: at most two decimals, a true minus sign. */
export function number(value) {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const text = Math.abs(value).toFixed(2).replace(/\.?0+$/, "");
  return value < 0 && text !== "0" ? `−${text}` : text;
}
