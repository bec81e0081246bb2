package unsubscribe

// Words are the texts of the pages in one language.
type Words struct {
	Title    string // heading of all pages
	Question string // above the button
	Button   string
	Done     string // after the button
	Unknown  string // for a link that is not one of this list
}

// missing names the fields without a text.
func (w Words) missing() []string {
	var out []string
	for _, f := range [...]struct{ name, text string }{{"Title", w.Title}, {"Question", w.Question}, {"Button", w.Button}, {"Done", w.Done}, {"Unknown", w.Unknown}} {
		if f.text == "" {
			out = append(out, f.name)
		}
	}
	return out
}

// builtIn holds the words by language.
var builtIn = map[string]Words{
	"en": {"Unsubscribe", "Do you want no more of these mails?", "Unsubscribe", "You will get no more of these mails.", "This link is not complete, or it is from another sender. Please use the whole link from the mail."},
	"de": {"Abmelden", "Möchten Sie diese E-Mails nicht mehr bekommen?", "Abmelden", "Sie bekommen diese E-Mails nicht mehr.", "Dieser Link ist unvollständig oder von einem anderen Absender. Bitte nehmen Sie den ganzen Link aus der E-Mail."},
	"fr": {"Se désabonner", "Souhaitez-vous ne plus recevoir ces messages ?", "Se désabonner", "Vous ne recevrez plus ces messages.", "Ce lien est incomplet ou vient d’un autre expéditeur. Utilisez le lien entier du message."},
	"es": {"Darse de baja", "¿No quiere recibir más estos correos?", "Darse de baja", "Ya no recibirá estos correos.", "Este enlace está incompleto o es de otro remitente. Use el enlace completo del correo."},
	"it": {"Annulla l’iscrizione", "Non vuole più ricevere queste e-mail?", "Annulla l’iscrizione", "Non riceverà più queste e-mail.", "Questo link è incompleto o di un altro mittente. Usi il link intero dell’e-mail."},
	"nl": {"Afmelden", "Wilt u deze e-mails niet meer ontvangen?", "Afmelden", "U ontvangt deze e-mails niet meer.", "Deze link is niet compleet of van een andere afzender. Gebruik de hele link uit de e-mail."},
	"pl": {"Rezygnacja z subskrypcji", "Czy nie chcą Państwo więcej otrzymywać tych wiadomości?", "Zrezygnuj", "Nie będą Państwo więcej otrzymywać tych wiadomości.", "Ten odnośnik jest niepełny lub pochodzi od innego nadawcy. Proszę użyć całego odnośnika z wiadomości."},
	"pt": {"Cancelar a subscrição", "Quer deixar de receber estas mensagens?", "Cancelar a subscrição", "Não receberá mais estas mensagens.", "Esta ligação está incompleta ou é de outro remetente. Use a ligação completa da mensagem."},
	"ar": {"إلغاء الاشتراك", "هل تريد التوقف عن تلقي هذه الرسائل؟", "إلغاء الاشتراك", "لن تصلك هذه الرسائل بعد الآن.", "هذا الرابط غير كامل أو من مرسل آخر. يُرجى استخدام الرابط كاملاً من الرسالة."},
}

// direction is the writing direction of a language.
func direction(language string) string {
	if len(language) >= 2 && language[:2] == "ar" {
		return "rtl"
	}
	return "ltr"
}
