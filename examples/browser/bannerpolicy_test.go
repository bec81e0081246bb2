package browser_test

import (
	"strings"

	"github.com/candorhttp/candor/consent"
)

// everyLanguage lists the languages that the banner speaks.
var everyLanguage = []string{"en", "de", "fr", "es", "it", "nl", "pl", "pt", "ar"}

// spoken is what the test site says in each language, by line.
var spoken = map[string]string{
	"en": `
Signing in|We keep you signed in while you look around.|until you close the browser
Settings|We remember how you like the site to look.|6 months
Measuring use|We count visits to learn which pages are useful.|13 months
Advertising|Advertisers learn that you were here and show you our offers elsewhere.|3 months
Load on our servers|We count requests to keep the site fast.|30 days
Says who is signed in.|Remembers light or dark.|Counts your visits.|Lets advertisers recognise your browser.
Advertising now also reaches partners in India.`,
	"de": `
Anmeldung|Wir halten Sie angemeldet, während Sie sich umsehen.|bis Sie den Browser schließen
Einstellungen|Wir merken uns, wie die Seite für Sie aussehen soll.|6 Monate
Nutzung messen|Wir zählen Besuche, um zu lernen, welche Seiten nützlich sind.|13 Monate
Werbung|Werbepartner erfahren, dass Sie hier waren, und zeigen Ihnen unsere Angebote anderswo.|3 Monate
Last auf unseren Servern|Wir zählen Anfragen, damit die Seite schnell bleibt.|30 Tage
Sagt, wer angemeldet ist.|Merkt sich hell oder dunkel.|Zählt Ihre Besuche.|Lässt Werbepartner Ihren Browser wiedererkennen.
Werbung erreicht nun auch Partner in Indien.`,
	"fr": `
Connexion|Nous vous gardons connecté pendant votre visite.|jusqu’à la fermeture du navigateur
Réglages|Nous retenons l’apparence que vous préférez.|6 mois
Mesure d’audience|Nous comptons les visites pour savoir quelles pages sont utiles.|13 mois
Publicité|Des annonceurs apprennent que vous êtes venu et vous montrent nos offres ailleurs.|3 mois
Charge de nos serveurs|Nous comptons les requêtes pour que le site reste rapide.|30 jours
Dit qui est connecté.|Retient clair ou sombre.|Compte vos visites.|Permet aux annonceurs de reconnaître votre navigateur.
La publicité atteint désormais aussi des partenaires en Inde.`,
	"es": `
Inicio de sesión|Mantenemos su sesión abierta mientras navega.|hasta que cierre el navegador
Ajustes|Recordamos qué aspecto prefiere para el sitio.|6 meses
Medir el uso|Contamos las visitas para saber qué páginas son útiles.|13 meses
Publicidad|Los anunciantes saben que estuvo aquí y le muestran nuestras ofertas en otros sitios.|3 meses
Carga de los servidores|Contamos las peticiones para que el sitio siga siendo rápido.|30 días
Dice quién ha iniciado sesión.|Recuerda claro u oscuro.|Cuenta sus visitas.|Permite a los anunciantes reconocer su navegador.
La publicidad llega ahora también a socios en la India.`,
	"it": `
Accesso|Ti teniamo collegato durante la visita.|fino alla chiusura del browser
Impostazioni|Ricordiamo l’aspetto che preferisci.|6 mesi
Misurare l’uso|Contiamo le visite per capire quali pagine sono utili.|13 mesi
Pubblicità|Gli inserzionisti sanno che sei stato qui e ti mostrano altrove le nostre offerte.|3 mesi
Carico sui nostri server|Contiamo le richieste perché il sito resti veloce.|30 giorni
Dice chi ha effettuato l’accesso.|Ricorda chiaro o scuro.|Conta le tue visite.|Permette agli inserzionisti di riconoscere il tuo browser.
La pubblicità raggiunge ora anche partner in India.`,
	"nl": `
Aanmelden|We houden u aangemeld terwijl u rondkijkt.|tot u de browser sluit
Instellingen|We onthouden hoe u de site wilt zien.|6 maanden
Gebruik meten|We tellen bezoeken om te leren welke pagina’s nuttig zijn.|13 maanden
Reclame|Adverteerders horen dat u hier was en tonen u elders onze aanbiedingen.|3 maanden
Belasting van onze servers|We tellen verzoeken om de site snel te houden.|30 dagen
Zegt wie is aangemeld.|Onthoudt licht of donker.|Telt uw bezoeken.|Laat adverteerders uw browser herkennen.
Reclame bereikt nu ook partners in India.`,
	"pl": `
Logowanie|Utrzymujemy Twoje zalogowanie podczas wizyty.|do zamknięcia przeglądarki
Ustawienia|Pamiętamy, jaki wygląd strony wolisz.|6 miesięcy
Pomiar użycia|Liczymy odwiedziny, aby wiedzieć, które strony są przydatne.|13 miesięcy
Reklama|Reklamodawcy dowiadują się o Twojej wizycie i pokazują nasze oferty w innych miejscach.|3 miesiące
Obciążenie naszych serwerów|Liczymy zapytania, aby strona działała szybko.|30 dni
Mówi, kto jest zalogowany.|Pamięta wygląd jasny lub ciemny.|Liczy Twoje odwiedziny.|Pozwala reklamodawcom rozpoznać Twoją przeglądarkę.
Reklama dociera teraz także do partnerów w Indiach.`,
	"pt": `
Início de sessão|Mantemos a sua sessão aberta durante a visita.|até fechar o navegador
Definições|Lembramo-nos do aspeto que prefere.|6 meses
Medir o uso|Contamos as visitas para saber que páginas são úteis.|13 meses
Publicidade|Os anunciantes ficam a saber que esteve aqui e mostram-lhe as nossas ofertas noutros sítios.|3 meses
Carga dos nossos servidores|Contamos os pedidos para que o site continue rápido.|30 dias
Diz quem iniciou sessão.|Lembra claro ou escuro.|Conta as suas visitas.|Permite aos anunciantes reconhecer o seu navegador.
A publicidade chega agora também a parceiros na Índia.`,
	"ar": `
تسجيل الدخول|نُبقيك مسجّل الدخول أثناء تصفحك.|حتى إغلاق المتصفح
الإعدادات|نتذكر المظهر الذي تفضله للموقع.|6 أشهر
قياس الاستخدام|نعدّ الزيارات لنعرف أي الصفحات مفيدة.|13 شهرًا
الإعلانات|يعرف المعلنون أنك كنت هنا ويعرضون عليك عروضنا في أماكن أخرى.|3 أشهر
الحمل على خوادمنا|نعدّ الطلبات كي يبقى الموقع سريعًا.|30 يومًا
يدل على من سجّل الدخول.|يتذكر الفاتح أو الداكن.|يعدّ زياراتك.|يتيح للمعلنين التعرف على متصفحك.
تصل الإعلانات الآن أيضًا إلى شركاء في الهند.`,
}

// say returns one cell of what is spoken, in every language.
func say(line, cell int) consent.Text {
	t := consent.Text{}
	for l, text := range spoken {
		t[l] = strings.Split(strings.Split(strings.TrimSpace(text), "\n")[line], "|")[cell]
	}
	return t
}

// bannerPolicy is a policy in every language: each basis, recipients with and
// without a need of protection, sharing, and a history.
func bannerPolicy() consent.Policy {
	processing := func(line int, p consent.Purpose, b consent.Basis) consent.Processing {
		return consent.Processing{Purpose: p, Number: line + 1, Basis: b, Title: say(line, 0), Text: say(line, 1), Retention: say(line, 2)}
	}
	marketing := processing(3, consent.Marketing, consent.Consent)
	marketing.SharesData, marketing.Recipients, marketing.GoodSince = true, []string{"Example Adverts Inc.", "Example Reach Ltd"}, 2
	analytics := processing(2, consent.Analytics, consent.Consent)
	analytics.Recipients = []string{"Example Hosting GmbH"}
	return consent.Policy{
		Version: 2, Effective: "2026-11-01", Languages: everyLanguage,
		Controller: consent.Controller{Name: "Teapot Shop Ltd (sample)", Address: "1 Example Street, 12345 Exampletown", Email: "privacy@shop.example"},
		Authority:  consent.Authority{Name: "The Example Data Protection Authority", URL: "https://authority.example/complaints"},
		Recipients: []consent.Recipient{
			{Name: "Example Adverts Inc.", Country: "US", Safeguard: consent.SafeguardDPF},
			{Name: "Example Reach Ltd", Country: "IN", Safeguard: consent.SafeguardSCC},
			{Name: "Example Hosting GmbH", Country: "DE", Safeguard: consent.SafeguardNone},
		},
		Processing: []consent.Processing{
			processing(0, consent.Authentication, consent.Essential), processing(1, consent.Preferences, consent.Consent),
			analytics, marketing, processing(4, "measurement", consent.Objection),
		},
		Changes: []consent.Change{{Version: 2, Effective: "2026-11-01", Summary: say(6, 0)}},
	}
}
