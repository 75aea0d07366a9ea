// Levels L0, L1 (device equations) and L3 (converter codes) of the golden kit in C++17, without refpcm and without
// libraries: the pattern for a simulator in any language.
//
//   c++ -std=c++17 -O2 -ffp-contract=off golden_adapter.cpp -o adapter
//   python -m refpcm.golden check --command ./adapter --level 0 1 3
//
// Called as: adapter CASE INPUT_FOLDER OUTPUT_FOLDER. Exit status 77: this program does not have the operation.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <vector>

using Bytes = std::vector<char>;
using Doubles = std::vector<double>;

// --- a file in the safetensors layout: 8 bytes header length, JSON header, data

struct Tensors {
    std::string path, header;
    Bytes file;
    explicit Tensors(const std::string& p) : path(p) {
        std::ifstream in(p, std::ios::binary);
        file.assign(std::istreambuf_iterator<char>(in), {});
        std::uint64_t n = 0;
        std::memcpy(&n, file.data(), 8);
        header.assign(file.data() + 8, n);
    }
    std::pair<char*, std::size_t> find(const std::string& name) {  // first byte and number of bytes
        auto at = header.find("\"" + name + "\":{");
        if (at == std::string::npos) { std::cerr << "no tensor " << name << "\n"; std::exit(1); }
        at = header.find("\"data_offsets\":[", at) + 16;
        char* rest;
        auto begin = std::strtoull(header.c_str() + at, &rest, 10), end = std::strtoull(rest + 1, nullptr, 10);
        return {file.data() + 8 + header.size() + begin, end - begin};
    }
    template <class T> std::vector<T> get(const std::string& name) {
        auto [data, size] = find(name);
        std::vector<T> values(size / sizeof(T));
        std::memcpy(values.data(), data, size);
        return values;
    }
    template <class T> void put(const std::string& name, const std::vector<T>& values) {  // overwrites in place
        auto [data, size] = find(name);
        if (size != values.size() * sizeof(T)) { std::cerr << name << " has another size\n"; std::exit(1); }
        std::memcpy(data, values.data(), size);
    }
    void save() { std::ofstream(path, std::ios::binary).write(file.data(), file.size()); }
};

// --- L0: Philox4x32-10 and the inverse normal distribution function

struct Words { std::uint32_t w[4]; };

Words philox(Words c, std::uint32_t k0, std::uint32_t k1) {
    for (int round = 0; round < 10; ++round) {
        std::uint64_t a = std::uint64_t(0xD2511F53u) * c.w[0], b = std::uint64_t(0xCD9E8D57u) * c.w[2];
        c = {{std::uint32_t(b >> 32) ^ c.w[1] ^ k0, std::uint32_t(b),
              std::uint32_t(a >> 32) ^ c.w[3] ^ k1, std::uint32_t(a)}};
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return c;
}

// AS 241 (Wichura 1988), PPND16, in double as the kit specifies: it is up to 5.3 ULP from the true quantile, so that a
// better quantile would differ from it by more than the 2 ULP that are allowed.
const double A[] = {3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946,
                     45921.95393154987, 67265.7709270087, 33430.57558358813, 2509.0809287301227};
const double B[] = {1.0, 42.31333070160091, 687.1870074920579, 5394.196021424751,
                     21213.794301586597, 39307.89580009271, 28729.085735721943, 5226.495278852854};
const double C[] = {1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045,
                     1.2704582524523684, 0.2417807251774506, 0.022723844989269184, 0.0007745450142783414};
const double D[] = {1.0, 2.053191626637759, 1.6763848301838038, 0.6897673349851,
                     0.14810397642748008, 0.015198666563616457, 0.0005475938084995345, 1.0507500716444169e-09};

double polynomial(const double* c, double x) {
    double total = c[7];
    for (int i = 6; i >= 0; --i) total = total * x + c[i];
    return total;
}

double normal_quantile(double u) {
    double q = u - 0.5;
    if (std::fabs(q) <= 0.425) {
        double r = 0.180625 - q * q;
        return q * polynomial(A, r) / polynomial(B, r);
    }
    double r = std::sqrt(-std::log(std::min(u, 1 - u))) - 1.6;
    return std::copysign(polynomial(C, r) / polynomial(D, r), q);
}

// --- a case

struct Case {
    std::string operation;
    std::map<std::string, std::string> p;  // parameters as text
    double number(const std::string& name) const { return std::strtod(p.at(name).c_str(), nullptr); }
    std::uint64_t whole(const std::string& name) const { return std::strtoull(p.at(name).c_str(), nullptr, 10); }
};

Case read_case(const std::string& path) {
    Case c;
    std::ifstream in(path);
    for (std::string line, kind, name, value; std::getline(in, line);) {
        std::istringstream words(line);
        words >> kind >> name;
        std::getline(words >> std::ws, value);
        if (kind == "operation") c.operation = name;
        if (kind == "int" || kind == "float" || kind == "str") c.p[name] = value;
    }
    return c;
}

std::uint32_t word(const Case& c, std::uint64_t i) {
    std::uint64_t b = i / 4;
    return philox({{std::uint32_t(b), std::uint32_t(b >> 32), std::uint32_t(c.whole("draw")),
                    std::uint32_t(c.whole("purpose") << 16 | c.whole("layer"))}},
                  std::uint32_t(c.whole("seed")), std::uint32_t(c.whole("chip"))).w[i % 4];
}

const double SMALLEST_G = 1e-7;  // G / G_max below it counts as this in logarithm and power

// A device: the constants of joshi2020, or those that the case gives.
struct Device {
    const Case& c;
    std::string name() const { return c.p.count("device") ? c.p.at("device") : "joshi2020"; }
    bool known() const { return name() == "joshi2020" || name() == "constants"; }
    double operator()(const std::string& constant, double joshi2020) const {
        return name() == "constants" ? c.number(constant) : joshi2020;
    }
    double g_max() const { return (*this)("g_max_us", 25.0); }
    double t0() const { return (*this)("t0_s", 20.0); }
    double t_read() const { return (*this)("t_read_s", 250e-9); }
    double sigma(double g_us) const {
        double g = g_us / g_max(), c0 = (*this)("sigma_c0_us", 0.26348), c1 = (*this)("sigma_c1_us", 1.9650);
        return std::max(c0 + g * (c1 + g * ((*this)("sigma_c2_us", -1.1731) + g * (*this)("sigma_c3_us", 0.0))), 0.0);
    }
    double relative_noise(double g_us) const {
        double g = std::max(g_us / g_max(), SMALLEST_G), power = std::pow(g, (*this)("q_exponent", -0.65));
        return std::min((*this)("q_factor", 0.0088) * power, (*this)("q_high", 0.2));
    }
    double nu(double g_us, double z) const {
        double ln = std::log(std::max(g_us / g_max(), SMALLEST_G));
        double mu = std::clamp((*this)("nu_mean_slope", -0.0155) * ln + (*this)("nu_mean_offset", 0.0244),
                               (*this)("nu_mean_low", 0.049), (*this)("nu_mean_high", 0.1));
        double s = std::clamp((*this)("nu_sigma_slope", -0.0125) * ln + (*this)("nu_sigma_offset", -0.0059),
                              (*this)("nu_sigma_low", 0.008), (*this)("nu_sigma_high", 0.045));
        return std::fabs(mu + s * z);
    }
};

std::int32_t code(double x, int bits, double range) {
    double levels = (1 << (bits - 1)) - 1;
    return std::int32_t(std::clamp(std::nearbyint(x / range * levels), -levels, levels));
}

bool answer(const Case& c, Tensors& in, Tensors& out) {
    const auto& op = c.operation;
    const Device device{c};
    if (!device.known()) return false;
    auto elementwise = [&](const std::string& result, std::vector<std::string> names, auto f) {
        std::vector<Doubles> x;
        for (auto& name : names) x.push_back(in.get<double>(name));
        Doubles y(x[0].size());
        for (std::size_t i = 0; i < y.size(); ++i) y[i] = f([&](int k) { return x[k][i]; });
        out.put(result, y);
        return true;
    };
    if (op == "philox4x32") {
        auto counter = in.get<std::uint32_t>("counter"), key = in.get<std::uint32_t>("key");
        for (std::size_t i = 0; i < key.size() / 2; ++i) {
            Words w;
            std::copy_n(&counter[4 * i], 4, w.w);
            std::copy_n(philox(w, key[2 * i], key[2 * i + 1]).w, 4, &counter[4 * i]);
        }
        out.put("words", counter);
        return true;
    }
    if (op == "random_words" || op == "random_uniforms" || op == "random_normals") {
        std::vector<std::uint32_t> words(c.whole("count"));
        for (std::size_t i = 0; i < words.size(); ++i) words[i] = word(c, c.whole("start") + i);
        if (op == "random_words") { out.put("words", words); return true; }
        Doubles u(words.size());
        for (std::size_t i = 0; i < u.size(); ++i) u[i] = (words[i] + 0.5) / 4294967296.0;
        if (op == "random_uniforms") { out.put("uniforms", u); return true; }
        std::transform(u.begin(), u.end(), u.begin(), normal_quantile);
        out.put("normals", u);
        return true;
    }
    if (op == "map_weights") {
        auto w = in.get<double>("weights");
        double w_max = 0;
        for (double v : w) w_max = std::max(w_max, std::fabs(v));
        Doubles g(2 * w.size(), 0.0);
        for (std::size_t i = 0; i < w.size(); ++i)
            if (w[i] != 0) g[i + (w[i] < 0 ? w.size() : 0)] = std::fabs(w[i]) / w_max * c.number("g_max_us");
        out.put("g_target_us", g);
        return true;
    }
    if (op == "unmap_weights") {
        auto g = in.get<double>("g_us");
        Doubles w(g.size() / 2);
        for (std::size_t i = 0; i < w.size(); ++i)
            w[i] = (g[i] - g[i + w.size()]) * c.number("w_max") / c.number("g_max_us");
        out.put("weights", w);
        return true;
    }
    if (op == "programming_sigma")
        return elementwise("sigma_us", {"g_target_us"}, [&](auto x) { return device.sigma(x(0)); });
    if (op == "programmed")
        return elementwise("g_prog_us", {"g_target_us", "z"}, [&](auto x) {
            if (x(0) == 0 && c.p.at("reset_device") == "zero") return 0.0;  // I-5
            return std::max(x(0) + device.sigma(x(0)) * x(1), 0.0);
        });
    if (op == "stuck_devices")
        return elementwise("g_prog_us", {"g_prog_us", "u_selection", "u_conductance"}, [&](auto x) {
            return x(1) < c.number("stuck_fraction") ? x(2) * device.g_max() : x(0);
        });
    if (op == "drift_exponents")
        return elementwise("nu", {"g_target_us", "z"}, [&](auto x) { return device.nu(x(0), x(1)); });
    if (op == "drifted")
        return elementwise("g_drift_us", {"g_prog_us", "nu"}, [&](auto x) {
            return x(0) * std::pow(c.number("t_s") / device.t0(), -x(1));
        });
    if (op == "relative_read_noise")
        return elementwise("q_s", {"g_us"}, [&](auto x) { return device.relative_noise(x(0)); });
    if (op == "read") {
        double growth = std::sqrt(std::log((c.number("t_s") + device.t_read()) / (2 * device.t_read())));
        std::string at = c.p.at("read_noise_from") == "target" ? "g_target_us" : "g_prog_us";  // I-7
        return elementwise("g_us", {"g_drift_us", at, "z"}, [&](auto x) {
            return std::max(x(0) + x(0) * device.relative_noise(x(1)) * growth * x(2), 0.0);
        });
    }
    if (op == "gdc_factor")
        return elementwise("alpha", {"readout_t", "readout_t0"}, [](auto x) {
            return x(0) != 0 && x(1) != 0 ? x(0) / x(1) : 1.0;
        });
    if (op == "gdc_compensated")
        return elementwise("weights", {"weights"}, [&](auto x) { return x(0) / c.number("alpha"); });
    if (op == "converter_codes") {
        auto x = in.get<double>("x");
        std::vector<std::int32_t> codes;
        for (double v : x) codes.push_back(code(v, int(c.whole("bits")), c.number("full_scale")));
        out.put("codes", codes);
        return true;
    }
    return false;
}

int main(int count, char** words) {
    if (count != 4) { std::cerr << "usage: adapter CASE INPUT_FOLDER OUTPUT_FOLDER\n"; return 2; }
    const std::string in_folder = words[2], out_folder = words[3];
    Case c = read_case(in_folder + "/case.txt");
    Tensors in(in_folder + "/inputs.safetensors"), out(out_folder + "/outputs.safetensors");
    if (!answer(c, in, out)) return 77;
    out.save();
    return 0;
}
