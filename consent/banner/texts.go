package banner

// texts is what the pages say in one language, beside what the policy says.
type texts struct {
	Dir                                             string
	Heading, Intro                                  string
	Accept, Refuse, Details, Save, Withdraw         string
	Preferences, PreferencesIntro, Saved, Undecided string
	Essential, Objection, AlwaysOn                  string
	Cookies, Cookie, Purpose, Lifetime, Provider    string
	Session, Days                                   string
	Kept, Recipients, Nobody, Country, Safeguard    string
	GPC, GPCNote                                    string
	Notice, NoticeIntro, Version, Effective         string
	Controller, Authority, Rights                   string
	Log, Field, Value, OnlyWith, Records, Changes   string
	Back                                            string
	Safeguards                                      map[string]string
}

// languages holds the texts by language tag.
var languages = map[string]texts{
	"en": {
		Dir: "ltr", Heading: "Your choice",
		Intro:  "We would like to use data for the purposes below. You decide; the shop works either way.",
		Accept: "Accept", Refuse: "Refuse", Details: "Choose in detail", Save: "Save this choice", Withdraw: "Withdraw everything",
		Preferences: "Your privacy choices", PreferencesIntro: "Tick what you allow. What is not ticked is refused. You can change this at any time.",
		Saved: "Your choice is saved.", Undecided: "You have not chosen yet. What needs your consent is not in use.",
		Essential: "Needed for what you ask for, so it cannot be refused.", Objection: "In use unless you refuse it.", AlwaysOn: "Always on",
		Cookies: "Cookies", Cookie: "Cookie", Purpose: "Purpose", Lifetime: "Kept for", Provider: "Set by",
		Session: "until you close the browser", Days: "days",
		Kept: "Data kept:", Recipients: "Who receives data", Nobody: "Nobody else receives this data.", Country: "Country", Safeguard: "Safeguard",
		GPC: "Global Privacy Control", GPCNote: "Your browser asks us not to sell or share your data. We honour that: the purposes that share data are off unless you tick them here.",
		Notice: "Privacy notice", NoticeIntro: "This page is generated from what runs on this site.", Version: "Version", Effective: "in force since",
		Controller: "Who is responsible", Authority: "You may complain to", Rights: "Change or withdraw your choices",
		Log: "What our log holds", Field: "Field", Value: "What is written", OnlyWith: "only with your consent", Records: "Records of choices", Changes: "What changed",
		Back: "Back to the site",
		Safeguards: map[string]string{
			"none": "none needed inside the EEA", "adequacy": "adequacy decision", "scc": "standard contractual clauses",
			"dpf": "EU-US Data Privacy Framework", "derogation": "your explicit consent",
		},
	},
	"de": {
		Dir: "ltr", Heading: "Ihre Wahl",
		Intro:  "Wir möchten Daten für die folgenden Zwecke nutzen. Sie entscheiden; die Seite funktioniert in jedem Fall.",
		Accept: "Annehmen", Refuse: "Ablehnen", Details: "Im Einzelnen wählen", Save: "Diese Auswahl speichern", Withdraw: "Alles widerrufen",
		Preferences: "Ihre Datenschutz-Auswahl", PreferencesIntro: "Kreuzen Sie an, was Sie erlauben. Was nicht angekreuzt ist, ist abgelehnt. Sie können das jederzeit ändern.",
		Saved: "Ihre Auswahl ist gespeichert.", Undecided: "Sie haben noch nicht gewählt. Was Ihre Einwilligung braucht, ist nicht in Gebrauch.",
		Essential: "Für das nötig, was Sie verlangen; es lässt sich nicht ablehnen.", Objection: "In Gebrauch, solange Sie nicht ablehnen.", AlwaysOn: "Immer an",
		Cookies: "Cookies", Cookie: "Cookie", Purpose: "Zweck", Lifetime: "Aufbewahrt", Provider: "Gesetzt von",
		Session: "bis Sie den Browser schließen", Days: "Tage",
		Kept: "Daten aufbewahrt:", Recipients: "Wer Daten erhält", Nobody: "Sonst erhält niemand diese Daten.", Country: "Land", Safeguard: "Garantie",
		GPC: "Global Privacy Control", GPCNote: "Ihr Browser bittet uns, Ihre Daten nicht zu verkaufen oder weiterzugeben. Wir halten uns daran: Zwecke, die Daten weitergeben, sind aus, solange Sie sie hier nicht ankreuzen.",
		Notice: "Datenschutzhinweise", NoticeIntro: "Diese Seite entsteht aus dem, was auf dieser Website läuft.", Version: "Fassung", Effective: "gültig seit",
		Controller: "Wer verantwortlich ist", Authority: "Beschweren können Sie sich bei", Rights: "Auswahl ändern oder widerrufen",
		Log: "Was unser Protokoll enthält", Field: "Feld", Value: "Was geschrieben wird", OnlyWith: "nur mit Ihrer Einwilligung", Records: "Aufzeichnungen der Auswahl", Changes: "Was sich änderte",
		Back: "Zurück zur Website",
		Safeguards: map[string]string{
			"none": "im EWR nicht nötig", "adequacy": "Angemessenheitsbeschluss", "scc": "Standardvertragsklauseln",
			"dpf": "EU-US-Datenschutzrahmen", "derogation": "Ihre ausdrückliche Einwilligung",
		},
	},
}
