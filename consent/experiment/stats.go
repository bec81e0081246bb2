package experiment

import "github.com/candorhttp/candor/consent"

// ArmCount is how often an arm was shown.
type ArmCount struct {
	Arm       string
	Weight    int
	Exposures uint64 // once a visitor and period
}

// Stats is a snapshot of what an Experiment counted since it was made, in this
// process.
type Stats struct {
	Arms     []ArmCount // in their order, the control arm first
	Assigned uint64     // visitors who got a unit
	Control  uint64     // answers to somebody outside the experiment
	Failed   uint64     // times an arm could not be assigned or kept

	// SampleRatio is how likely counts as uneven as these are by chance, see
	// [SampleRatio]. It is meaningless with an Assigner that does not follow
	// the weights.
	SampleRatio float64
	// Mismatch is true where that is less than 1 in 2000: do not believe the
	// result before the reason is found.
	Mismatch bool
}

// Name returns the name of the experiment; "" for a nil or zero one.
func (e *Experiment) Name() string {
	if e == nil {
		return ""
	}
	return e.name
}

// Stats returns what was counted so far. That of a nil or zero Experiment is
// empty.
func (e *Experiment) Stats() Stats {
	if e == nil || e.now == nil {
		return Stats{}
	}
	s := Stats{Assigned: e.assigned.Load(), Control: e.control.Load(), Failed: e.failed.Load()}
	counts, weights := make([]uint64, len(e.arms)), make([]int, len(e.arms))
	for i, a := range e.arms {
		counts[i], weights[i] = e.exposures[i].Load(), a.Weight
		s.Arms = append(s.Arms, ArmCount{a.Name, a.Weight, counts[i]})
	}
	s.SampleRatio = SampleRatio(counts, weights)
	s.Mismatch = Suspicious(s.SampleRatio)
	return s
}

// Describe implements [consent.Describer].
func (e *Experiment) Describe(m *consent.Manifest) {
	if e == nil || e.now == nil {
		return
	}
	row := consent.ManifestExperiment{
		Name: e.name, Purpose: e.purpose,
		PeriodSeconds: int64(e.period.Seconds()), KeepDays: e.keep.Hours() / 24,
	}
	for _, a := range e.arms {
		row.Arms = append(row.Arms, consent.ManifestArm{Name: a.Name, Weight: a.Weight})
	}
	m.Experiments = append(m.Experiments, row)
}
