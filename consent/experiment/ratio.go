package experiment

import "math"

// Suspicious reports whether a p-value of SampleRatio means that a split is
// broken: below 1 in 2000, far less than usual, because the test is looked at
// again and again.
func Suspicious(ratio float64) bool { return ratio < 0.0005 }

// SampleRatio returns how likely it is that counts as far from the weights as
// these come about by chance: the p-value of Pearson's chi-square test. A small
// one means that visitors are lost or counted twice in one arm, and that the
// experiment proves nothing. It is 1 when there is nothing to test: other
// lengths, weights that are not positive, or an expected count below 5 (Cochran's
// rule).
func SampleRatio(counts []uint64, weights []int) float64 {
	if len(counts) != len(weights) || len(counts) < 2 {
		return 1
	}
	var n, all float64
	for i := range counts {
		if weights[i] <= 0 {
			return 1
		}
		n, all = n+float64(counts[i]), all+float64(weights[i])
	}
	var x float64
	for i := range counts {
		expected := n * float64(weights[i]) / all
		if expected < 5 {
			return 1
		}
		d := float64(counts[i]) - expected
		x += d * d / expected
	}
	return upperGamma(float64(len(counts)-1)/2, x/2)
}

// upperGamma is the regularised upper incomplete gamma function Q(a, x): a power
// series below a+1, a continued fraction by Lentz's method above (DLMF 8.11.4
// and 8.9.2).
func upperGamma(a, x float64) float64 {
	if x <= 0 {
		return 1
	}
	lg, _ := math.Lgamma(a)
	front := math.Exp(-x + a*math.Log(x) - lg)
	const rounds, enough, tiny = 10_000, 1e-15, 1e-300
	if x < a+1 {
		term := 1 / a
		sum := term
		for n := 1; n < rounds && term > sum*enough; n++ {
			term *= x / (a + float64(n))
			sum += term
		}
		return max(0, 1-front*sum)
	}
	b := x + 1 - a
	c, d := 1/tiny, 1/b
	h := d
	for i := 1; i < rounds; i++ {
		an := -float64(i) * (float64(i) - a)
		b += 2
		if d = an*d + b; math.Abs(d) < tiny {
			d = tiny
		}
		if c = b + an/c; math.Abs(c) < tiny {
			c = tiny
		}
		d = 1 / d
		h *= d * c
		if math.Abs(d*c-1) < enough {
			break
		}
	}
	return front * h
}
