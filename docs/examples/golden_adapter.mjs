// Levels L0, L1 and L3 (converter codes and ranges) of the golden kit in plain JavaScript, without refpcm and without libraries.
//
//   python -m refpcm.golden check --command "node golden_adapter.mjs" --level 0 1 3
//   python -m refpcm.golden check --command "node golden_adapter.mjs" --level 0 1 3 --precision float32
//
// Called as: node golden_adapter.mjs CASE INPUT_FOLDER OUTPUT_FOLDER. Exit status 77: no such operation here.
import { readFileSync, writeFileSync } from "node:fs";

// --- a file in the safetensors layout: 8 bytes header length, JSON header, data

const TYPES = { F64: Float64Array, F32: Float32Array, I32: Int32Array, U32: Uint32Array, I64: BigInt64Array };

function readTensors(path) {
  const file = readFileSync(path);
  const size = 8 + Number(file.readBigUInt64LE(0)), header = JSON.parse(file.subarray(8, size).toString());
  const tensors = {};
  for (const [name, entry] of Object.entries(header)) {
    const [begin, end] = entry.data_offsets.map((offset) => size + offset);
    tensors[name] = new TYPES[entry.dtype](new Uint8Array(file.subarray(begin, end)).buffer);
  }
  return { file, size, header, tensors };
}

// Numbers go into the file in the dtype that it has: float64 or float32.
function writeTensor(path, { file, size, header }, name, values) {
  const [begin, end] = header[name].data_offsets.map((offset) => size + offset);
  const written = TYPES[header[name].dtype].from(values);
  if (written.byteLength !== end - begin) throw new Error(`${name} has another size`);
  Buffer.from(written.buffer).copy(file, begin);
  writeFileSync(path, file);
}

// --- case.txt: "operation NAME", "int|float|str NAME VALUE", floats in hexadecimal as C's %a prints them

function readNumber(text) {
  const [, sign, whole, fraction, exponent] = /^(-?)0x([01])\.?([0-9a-f]*)p([+-]\d+)$/.exec(text);
  const digits = BigInt(`0x${whole}${fraction}`);
  return (sign ? -1 : 1) * Number(digits) * 2 ** (Number(exponent) - 4 * fraction.length);
}

function readCase(path) {
  const found = { operation: "", parameters: {}, sizes: {} };
  for (const line of readFileSync(path, "utf8").trim().split("\n")) {
    const [kind, name, ...rest] = line.split(" ");
    if (kind === "operation") found.operation = name;
    if (kind === "input") found.sizes[name] = rest.slice(1).map(Number);
    if (kind === "int") found.parameters[name] = BigInt(rest[0]);
    if (kind === "float") found.parameters[name] = readNumber(rest[0]);
    if (kind === "str") found.parameters[name] = rest.join(" ");
  }
  return found;
}

// --- L0: Philox4x32-10

const M0 = 0xD2511F53n, M1 = 0xCD9E8D57n, W0 = 0x9E3779B9n, W1 = 0xBB67AE85n, LOW = 0xFFFFFFFFn;

function philox([c0, c1, c2, c3], [k0, k1]) {
  for (let round = 0; round < 10; round++) {
    const a = M0 * c0, b = M1 * c2;
    [c0, c1, c2, c3] = [(b >> 32n) ^ c1 ^ k0, b & LOW, (a >> 32n) ^ c3 ^ k1, a & LOW];
    [k0, k1] = [(k0 + W0) & LOW, (k1 + W1) & LOW];
  }
  return [c0, c1, c2, c3];
}

function word({ seed, chip, purpose, layer, draw, start }, index) {
  const element = start + BigInt(index), block = element >> 2n;
  const counter = [block & LOW, block >> 32n, draw, (purpose << 16n) | layer];
  return Number(philox(counter, [seed, chip])[Number(element & 3n)]);
}

function words(p) {
  return Array.from({ length: Number(p.count) }, (_, index) => word(p, index));
}

// The keys of a permutation: 64 bits, the first word the high half.
function permutation(p) {
  const key = (item) => (BigInt(word(p, 2 * item)) << 32n) | BigInt(word(p, 2 * item + 1));
  const items = Array.from({ length: Number(p.count) }, (_, item) => [key(item), item]);
  return items.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, item]) => BigInt(item));
}

// --- L1: devices, by the constants of joshi2020 or by those that the case gives; conductances in uS, times in s

const JOSHI2020 = {
  g_max_us: 25, t0_s: 20, t_read_s: 250e-9,
  sigma_c0_us: 0.26348, sigma_c1_us: 1.9650, sigma_c2_us: -1.1731, sigma_c3_us: 0,
  nu_mean_slope: -0.0155, nu_mean_offset: 0.0244, nu_mean_low: 0.049, nu_mean_high: 0.1,
  nu_sigma_slope: -0.0125, nu_sigma_offset: -0.0059, nu_sigma_low: 0.008, nu_sigma_high: 0.045,
  q_factor: 0.0088, q_exponent: -0.65, q_high: 0.2,
};
const device = (p) => (p.device === "constants" ? p : JOSHI2020);
const clip = (x, low, high) => Math.min(Math.max(x, low), high);
const relativeG = (g, d) => Math.max(g / d.g_max_us, 1e-7); // smaller g counts as 1e-7 in logarithm and power
const line = (of, x, d) => // of: nu_mean or nu_sigma
  clip(d[`${of}_slope`] * x + d[`${of}_offset`], d[`${of}_low`], d[`${of}_high`]);
const exponent = (g, z, d) => {
  const logarithm = Math.log(relativeG(g, d));
  return Math.abs(line("nu_mean", logarithm, d) + line("nu_sigma", logarithm, d) * z);
};
const sigma = (gUs, d) => {
  const g = gUs / d.g_max_us;
  return Math.max(d.sigma_c0_us + d.sigma_c1_us * g + d.sigma_c2_us * g ** 2 + d.sigma_c3_us * g ** 3, 0);
};
const relativeNoise = (g, d) => Math.min(d.q_factor * relativeG(g, d) ** d.q_exponent, d.q_high);
const growth = (t, d) => Math.sqrt(Math.log((t + d.t_read_s) / (2 * d.t_read_s)));

const largest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const sum = (values) => values.reduce((total, value) => total + value, 0);

// A pair of targets: what is positive on G+, the magnitude of what is negative on G-.
function pair(net, gMax) {
  const most = largest(net), part = (side) => Array.from(net, (w) => (most ? Math.max(side * w, 0) / most * gMax : 0));
  return [...part(1), ...part(-1)];
}

function halves(g) {
  return [g.subarray(0, g.length / 2), g.subarray(g.length / 2)];
}

const column = (w, columns, k) => w.filter((_, i) => i % columns === k);
const READOUTS = {
  columns: (g) => sum(g),
  ones: (g, w, columns) => sum(Array.from({ length: columns }, (_, k) => Math.abs(sum(column(w, columns, k))))),
  one_hot: (g, w) => sum(w.map(Math.abs)) / w.length,
};

// Half to even. x / (range / levels) is rounded once in float32 where the input is float32.
function code(x, bits, fullScale, isFloat32) {
  const levels = 2 ** (bits - 1) - 1, round32 = isFloat32 ? Math.fround : (v) => v;
  const steps = round32(x / round32(fullScale / levels)), floor = Math.floor(steps);
  const up = steps - floor > 0.5 || (steps - floor === 0.5 && floor % 2 !== 0);
  return clip(floor + (up ? 1 : 0), -levels, levels);
}

// operation: (inputs, parameters, sizes of the inputs) -> { output: values }
const OPERATIONS = {
  philox4x32: ({ counter, key }) => ({
    words: Array.from({ length: key.length / 2 }, (_, i) =>
      philox(Array.from(counter.subarray(4 * i, 4 * i + 4), BigInt), Array.from(key.subarray(2 * i, 2 * i + 2), BigInt))
        .map(Number)).flat(),
  }),
  random_words: (x, p) => ({ words: words(p) }),
  random_permutation: (x, p) => ({ permutation: permutation(p) }),
  random_uniforms: (x, p) => ({ uniforms: words(p).map((w) => (w + 0.5) / 2 ** 32) }),
  map_weights: ({ weights }, p) => ({ g_target_us: pair(weights, p.g_max_us) }),
  unmap_weights: ({ g_us: g }, p) => {
    const [plus, minus] = halves(g);
    return { weights: Array.from(plus, (value, i) => (value - minus[i]) * p.w_max / p.g_max_us) };
  },
  collapsed_pair: ({ g_us: g }, p) => {
    const [plus, minus] = halves(g);
    return { g_us: pair(Array.from(plus, (value, i) => value - minus[i]), p.g_max_us) };
  },
  programming_sigma: ({ g_target_us: g }, p) => ({ sigma_us: Array.from(g, (target) => sigma(target, device(p))) }),
  programmed: ({ g_target_us: g, z }, p) => ({
    g_prog_us: Array.from(g, (target, i) =>
      (target === 0 && p.reset_device === "zero" ? 0 : Math.max(target + sigma(target, device(p)) * z[i], 0))), // I-5
  }),
  stuck_devices: ({ g_prog_us: g, u_selection: selection, u_conductance: conductance }, p) => ({
    g_prog_us: Array.from(g, (value, i) =>
      (selection[i] < p.stuck_fraction ? conductance[i] * device(p).g_max_us : value)),
  }),
  drift_exponents: ({ g_target_us: g, z }, p) => ({
    nu: Array.from(g, (target, i) => exponent(target, z[i], device(p))),
  }),
  drifted: ({ g_prog_us: g, nu }, p) => ({
    g_drift_us: Array.from(g, (value, i) => value * (p.t_s / device(p).t0_s) ** -nu[i]),
  }),
  relative_read_noise: ({ g_us: g }, p) => ({ q_s: Array.from(g, (value) => relativeNoise(value, device(p))) }),
  read: ({ g_target_us: target, g_prog_us: programmed, g_drift_us: g, z }, p) => {
    const at = p.read_noise_from === "target" ? target : programmed; // I-7
    const d = device(p), noise = (i) => relativeNoise(at[i], d) * growth(p.t_s, d) * z[i];
    return { g_us: Array.from(g, (value, i) => Math.max(value + value * noise(i), 0)) };
  },
  transferred: ({ g_target_us: g, z }) => ({ // the paper's transfer model, by the fit of its Fig. 3b
    g_us: Array.from(g, (target, i) => {
      const size = Math.abs(target);
      return target + (0.28638599 + 0.07585724 * size - 0.00178767 * size ** 2) * z[i];
    }),
  }),
  gdc_readout: ({ g_us: g, weights }, p, sizes) => ({ readout: [READOUTS[p.readout](g, weights, sizes.weights[1])] }),
  gdc_factor: ({ readout_t: now, readout_t0: then }) => ({
    alpha: Array.from(now, (value, i) => (value !== 0 && then[i] !== 0 ? value / then[i] : 1)),
  }),
  gdc_compensated: ({ weights }, p) => ({ weights: Array.from(weights, (w) => w / p.alpha) }),
  adabs_update: (inputs, p) => {
    const keep = 0.015 ** (1 / Number(p.batches)), out = {};
    for (const name of ["mean", "var"]) {
      const running = Array.from(inputs[`running_${name}`]);
      inputs[`batch_${name}`].forEach((value, i) => {
        const channel = i % running.length;
        running[channel] = keep * running[channel] + (1 - keep) * value;
      });
      out[`running_${name}`] = running;
    }
    return out;
  },
  adabs_layer: ({ x, running_mean, running_var }, p, sizes) => {
    const [batches, images, channels, ...pixels] = sizes.x, area = pixels.reduce((a, b) => a * b);
    const [batch_mean, batch_var] = [[], []];
    for (let batch = 0; batch < batches; batch++)
      for (let c = 0; c < channels; c++) {
        const values = x.filter((_, i) =>
          Math.floor(i / area) % channels === c && Math.floor(i / (area * channels * images)) === batch);
        const mean = sum(values) / values.length;
        batch_mean.push(mean);
        batch_var.push(sum(Array.from(values, (value) => (value - mean) ** 2)) / values.length);
      }
    return OPERATIONS.adabs_update({ running_mean, running_var, batch_mean, batch_var }, { batches });
  },
  weight_noise: ({ weights, z }, p) => {
    const most = largest(weights);
    return { noisy: Array.from(weights, (w, i) => w + p.eta * most * z[i]) };
  },
  clipped_weights: ({ weights }, p) => {
    const mean = sum(weights) / weights.length;
    const bound = p.alpha * Math.sqrt(sum(weights.map((w) => (w - mean) ** 2)) / weights.length);
    return { clipped: Array.from(weights, (w) => clip(w, -bound, bound)) };
  },
  converter_codes: ({ x }, p) => ({
    codes: Array.from(x, (value) => code(value, Number(p.bits), p.full_scale, x instanceof Float32Array)),
  }),
  converter_range: ({ x }, p) => {
    const sorted = x.map(Math.abs).sort(), position = p.quantile * (x.length - 1);
    const below = sorted[Math.floor(position)], above = sorted[Math.ceil(position)];
    const found = below + (above - below) * (position % 1);
    return { range: [found > 0 ? found : sorted.at(-1)] };
  },
};

const [, inputFolder, outputFolder] = process.argv.slice(2);
const asked = readCase(`${inputFolder}/case.txt`);
const operation = OPERATIONS[asked.operation];
const known = ["joshi2020", "joshi2020-transfer", "constants"].includes(asked.parameters.device ?? "joshi2020");
if (operation === undefined || !known) process.exit(77);
const path = `${outputFolder}/outputs.safetensors`, outputs = readTensors(path);
const answer = operation(readTensors(`${inputFolder}/inputs.safetensors`).tensors, asked.parameters, asked.sizes);
for (const [name, values] of Object.entries(answer)) writeTensor(path, outputs, name, values);
