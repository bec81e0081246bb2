package banner

// Lexicon is the package's own, for its tests.
type Lexicon struct{ l *lexicon }

func NewLexicon(language string) (Lexicon, error) {
	l, err := newLexicon(language, nil, nil)
	return Lexicon{l}, err
}

func (l Lexicon) Lifetime(days float64) string    { return l.l.lifetime(days) }
func (l Lexicon) Count(n int, unit string) string { return l.l.count(n, unit) }
func (l Lexicon) Date(iso string) string          { return l.l.date(iso) }
func (l Lexicon) Kept(retention string) Words     { return l.l.kept(retention) }
