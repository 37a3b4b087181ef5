package site

// words holds every sentence of the site in one language. A test fails if a field is empty in either language.
type words struct {
	Lang string // BCP 47 tag, for lang attributes and Content-Language
	Name string // the language's name in that language

	GroupSeparator string // between thousands
	OneVote        string
	ManyVotes      string // %s: a number
	DayMonthYear   string // %d, %s, %d
	Months         [12]string

	SiteTitle       string
	SiteDescription string
	SkipToContent   string
	SiteNavigation  string

	HeroOrganizer string
	HeroTitle     string
	HeroLead      string
	HeroTakePart  string
	HeroWatch     string

	RankingTitle    string
	RankingNote     string
	RankingPosition string
	RankingPlayer   string
	RankingCity     string
	RankingVotes    string
	RankingNoCity   string
	RankingEmpty    string

	VideoPosterAlt string // %s: title, %s: player
	VideosEmpty    string

	TakePartTitle string
	TakePartNote  string
	Steps         [3]step

	DevelopersTitle   string
	DevelopersNote    string
	DevelopersDocs    string
	DevelopersOpenAPI string

	FooterOrganizer string
	FooterContest   string
	FooterAsk       string

	FileNotFound string

	NavGallery         string
	NavMine            string
	NavAccount         string
	NavSignIn          string
	GalleryTitle       string
	GalleryNewest      string
	GalleryMostVoted   string
	GalleryOrder       string
	GallerySearch      string
	GallerySearchHint  string
	GalleryCityHint    string
	GalleryApply       string
	GalleryClear       string
	GalleryMore        string
	GalleryBack        string
	GalleryNone        string
	GalleryFirst       string
	VideoSocial        string
	VideoShare         string
	VideoCopied        string
	VideoNoPlay        string
	VoteGive           string
	VoteTakeBack       string
	VoteGiven          string
	VoteOwn            string
	VoteVoid           string
	RankingNational    string
	RankingOf          string
	RankingMove        string
	RankingUp          string
	RankingDown        string
	RankingSame        string
	RankingYou         string
	RankingYourPlace   string
	RankingNext        string
	RankingPrev        string
	RankingInvite      string
	PlayerPlace        string
	PlayerNoVideos     string
	LabelFirstName     string
	LabelLastName      string
	LabelEmail         string
	LabelPassword      string
	LabelPassword2     string
	LabelCity          string
	LabelCountry       string
	HintPassword       string
	PasswordAgain      string
	Optional           string
	SignUpTitle        string
	SignUpLead         string
	SignUpToVote       string
	SignUpDo           string
	SignUpHave         string
	SignInTitle        string
	SignInDo           string
	SignInNew          string
	SignInToVote       string
	SignInForgotten    string
	WrongCredentials   string
	TooMany            string // %s: a time
	OneSecond          string
	ManySeconds        string // %d
	OneMinute          string
	ManyMinutes        string // %d
	PasswordsDiffer    string
	EmailTaken         string
	AccountTitle       string
	AccountSave        string
	AccountSaved       string
	AccountEmailNote   string
	AccountPublic      string
	SignOut            string
	MyTitle            string
	MyNone             string
	MyNoneText         string
	UploadTitle        string
	UploadHint         string
	UploadTitleLabel   string
	UploadFileLabel    string
	UploadDo           string
	UploadChoose       string
	UploadNoneChosen   string
	UploadNoScript     string
	UploadTooLarge     string
	UploadNoTitle      string
	UploadNoFile       string
	UploadLongTitle    string
	UploadSending      string
	UploadWaiting      string
	UploadFull         string
	UploadBusy         string
	UploadChecking     string
	UploadCancel       string
	UploadFailed       string
	UploadUnfinished   string
	UploadProgress     string
	StateUploaded      string
	StateProcessing    string
	StateProcessed     string
	StateHidden        string
	StatePublic        string
	StateFailed        string
	FailureUnplayable  string
	FailureTimeout     string
	FailureInternal    string
	PublicStays        string
	DoPublish          string
	PublishNote        string
	PublishTitle       string
	PublishText        string
	PublishDo          string
	PublishKeep        string
	HiddenNote         string
	DoRetry            string
	DoDelete           string
	DoSee              string
	MyPreview          string
	DeleteTitle        string
	DeleteText         string
	DeleteKeep         string
	ErrorNotFound      string
	ErrorNotFoundText  string
	ErrorForbidden     string
	ErrorForbiddenText string
	ErrorServer        string
	ErrorServerText    string
	ErrorOther         string
	ErrorRequest       string
	ErrorHome          string
	OfflineTitle       string
	OfflineText        string
	OfflineRetry       string
	PasswordTitle      string
	PasswordNote       string
	PasswordOld        string
	PasswordNew        string
	PasswordDo         string
	PasswordChanged    string
	PasswordWrong      string
	DataTitle          string
	DataNote           string
	DataDo             string
	LeaveTitle         string
	LeaveLead          string
	LeaveText          string
	LeaveDo            string
	LeaveKeep          string
	LeaveLink          string
	LeaveDone          string
}

// step is one step of how to take part.
type step struct{ Title, Text string }
