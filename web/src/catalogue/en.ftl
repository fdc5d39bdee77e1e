# The pages in English. Texts that another file has too have the same keys and values there; tests see to it.
# A blank line in a text begins a new paragraph.

## Around every page

page-title = { $page } – { $name }
skip = Skip to the content
menu = Pages
languages = Languages
menu-policy = What is listed
menu-use = Using the list
menu-faq = Questions and answers
menu-glossary = Glossary
menu-stats = Numbers
menu-status = State
operated-by = Operated by { $operator }
contact = Contact:
imprint = Imprint

## Times

time-now = just now
time-ago = { $length } ago
time-in = in { $length }
time-seconds = { $count ->
    [one] { $count } second
   *[other] { $count } seconds
}
time-minutes = { $count ->
    [one] { $count } minute
   *[other] { $count } minutes
}
time-hours = { $count ->
    [one] { $count } hour
   *[other] { $count } hours
}
time-days = { $count ->
    [one] { $count } day
   *[other] { $count } days
}

## The box

search-label = Address, prefix or domain
search-button = Look up
search-hint = For example 192.0.2.1, 2001:db8::1, 192.0.2.0/24 or example.org

## The first page

home-intro = Mail servers ask this list whether to take mail from an address. Here you see whether an address, a network or a
    domain is listed, why, and what to do about it.
home-own-address = The box shows the address you are coming from now. If your mail was refused, look up the address in the
    refusal instead: usually that of your mail server, not that of your computer.
home-more-status = More about the state of the list
home-who = Where to go on
home-rejected = Your mail came back:
home-listed = Your server is listed:
home-administrator = You run a mail server:

## What was typed

lookup-title = Look up
mistake-title = That cannot be looked up
mistake-typed = You typed:
mistake-too-long = It is longer than any address or domain name.
mistake-notation = It is not written as an address, a prefix or a domain is written here.
mistake-no-subject = It is neither an address, nor a prefix, nor a domain. A link, a mail address or a whole sentence is
    too much; take the address or domain out of it.
mistake-instead = Did you mean this?

## What was found

result-listed = { $subject } is listed
result-not-listed = { $subject } is not listed
result-test = { $subject } is a test entry
result-no-zones = There is no public list for this kind of address here.
result-at = Looked up
permalink = This result always has the same address, for mails and tickets:
other-zones = Other lists
zone = List
state-listed = Listed
state-not-listed = Not listed
state-excluded = Not listed, and kept out
state-test = Test entry
covered-by = What is listed
covered-by-note = – the whole of it, of which this is a part.
included = Taken from
reason = Reason
codes = Return code
first-seen = Listed since
last-changed = Last change
expires = Expires
expires-never = Not by itself
excluded-text = The operator keeps it out of the list, even where a network around it is listed.
test-text = It exists so that the list can be tried out, and says nothing about anybody (RFC 5782).
removed-at = It was listed, and was removed
remembered-until = Resolvers may remember the listing until
inside-too-wide = What is listed inside is shown for prefixes of at least /24 (IPv6: /48).
inside-nothing = Nothing inside it is listed.
inside-some = Listed inside it:
inside-more = and more
dns = What DNS answers
dns-codes = Answer: { $codes }. Resolvers remember it for { $ttl } at most.
dns-nothing = No answer: the name does not exist (NXDOMAIN). Resolvers remember that for { $ttl } at most.

names = The name of the host
names-unknown = The reverse DNS name could not be looked up in time.
names-none = The address has no reverse DNS name. Many servers refuse mail for that alone.
names-unconfirmed = The reverse DNS name is { $host }, which does not lead back to the address. Many servers refuse mail for that alone.
names-confirmed = The reverse DNS name is { $host }, and leads back to the address. That is in order.

## What a relay test found

evidence = What the test found
evidence-text = A test message was handed to this host, addressed to a stranger of it, and came back to us. So it relays mail for
    anybody.
evidence-confirmed = Found open
evidence-port = Port
evidence-probes = Forms of address that worked
evidence-way = Way
evidence-through-another = The message came back by way of another host.
evidence-next = Next test
evidence-cut = Who asked for the test, and the messages themselves, are not shown. The operator of the host gets them on
    request.

## What to do

todo = What to do now
todo-administrator = If you run the mail server
todo-sender = If you only want to send mail
step-read-reason = Read the reason above. Log files of your mail server from that time show what it was about.
step-close-relay = Close the relay: accept mail to other domains only from your own networks and from users who have logged in.
    Look at every way in: web forms, backup mail servers, devices that forward mail.
step-await-second-test = The first of two tests has found the host closed. If the second does too, it is removed. The second
    test is due
step-await-retest = The host is tested again by itself, and removed after two clean tests. The next test is due
step-ask-network-owner = All of { $prefix } is listed, not this address alone. Whoever runs that network has to act; ask your
    provider.
step-ask-domain-owner = All of { $domain } is listed, not this name alone. Whoever runs that domain has to act.
step-end-cause = Find the cause and end it. Often it is a stolen password, a compromised web site, an infected computer behind the
    same address, or an open proxy.
step-ask-operator = Then ask for removal. Name the address, say what was wrong, and what you have changed:
step-await-expiry = Without new reports the listing ends by itself
step-no-expiry = The listing does not end by itself.
step-await-caches = After the removal resolvers may remember the listing for up to { $ttl }, and some mail servers for
    some minutes longer. Until then single mails may still be refused.
step-await-caches-until = It has been removed. Resolvers may remember the listing until
step-read-bounce = If your mail is refused all the same, read the refusal: it names the list that was asked. There are many lists,
    and each decides for itself.
step-mail-server-remembers = Postfix remembers answers for the life of a process, whatever the list says: for up to 100 connections,
    or until it has been idle for 100 seconds. So the other side may need a while.
step-check-names = See that the address has a reverse DNS name that leads back to it, and that your server says a name of its
    own in HELO. Many servers refuse mail without it, list or no list.
step-nothing-here = There is nothing to do here: the operator keeps this address out of the list.
step-not-your-doing = It is most likely nothing that you did. The address belongs to a mail server or to a connection that others
    use, too.
step-leave-out-domain = The domain is named in the mail: as its sender, as the name of a host, or in a link. If it is not yours, leave it out and
    send the mail again.
step-tell-administrator = Tell whoever runs your mail server or your connection, and send the whole refusal and the address of
    this page along. Only they can put it right.
step-use-submission = If the address is that of your own connection: set your mail program to send by your provider's server, port
    587 or 465, with user name and password.
step-shared-address = If you were given the address a short while ago, or share it with others, as in a hotel or a mobile network,
    what is listed may be somebody else's doing.

## The policy

policy-intro = What the lists contain, for how long, and how an entry ends. All of this is read from the settings that the server
    works with.
policy-no-zones = There is no public list here.
policy-lists = Contains
policy-lists-addresses = Addresses and networks (IPv4 and IPv6)
policy-lists-domains = Domains
policy-reason = Usual reason
policy-address = ADDRESS
policy-combined = Combined
policy-combined-text = It also answers for other lists, which have their own rules.
policy-access = Who may ask
policy-access-open = Anybody
policy-access-quotas = Anybody, up to a number of questions
policy-access-rules = Anybody, apart from single networks with rules of their own
policy-access-subscribers = Subscribers
policy-ttl = Remembered
policy-ttl-text = Listings for { $positive }, “not listed” for { $negative }
policy-test-points = Test entries
policy-test-points-ip = 127.0.0.2 is always listed, 127.0.0.1 never (RFC 5782)
policy-test-points-domain = test is always listed, invalid never (RFC 5782)
policy-relays = Open relays
policy-relays-text = A host is listed when a test message that was handed to it came back to us. That a host accepts a message
    proves nothing, and neither does a bounce. A host that refuses to talk to the tester is not listed for that.

    Nobody is tested without a reason: the host itself asks, its owner does, there is evidence that it relayed, or it is listed and
    its time has come. Owners of networks can have them left alone.
policy-relays-retests = A listed host is tested again after { $days } days, and after that every 90 days. Without a test that
    confirms it, the listing ends after { $keep } days.
policy-relays-removal = A host is removed after two clean tests, { $apart } apart.
policy-removal = Removal
policy-removal-text = Entries end when they expire, when whoever listed them takes them back, or when the operator removes them. A removal
    is answered by DNS at once; resolvers remember what they heard for the time above.

    Removal is free of charge.
policy-removal-contact = Requests and objections:
policy-shown = What these pages show
policy-shown-text = The pages show what DNS answers anyhow: whether something is listed, by which entry, with which code and reason. Added to
    that are the times of the entry, and of open relays what the test found.

    Who reported an address, internal notes, and messages that were sent as evidence are not shown.

## How to use it

use-intro = The list is asked over DNS. The settings below are tested with the real programs; the name of the list is already
    filled in.
use-try = Try it
use-try-text = The first line must answer 127.0.0.2, the second nothing. If both answer, or neither, something between you and the
    list is wrong: do not use it like that.
use-rules = Three rules
use-rules-text = Compare the return code. Only answers inside 127.0.0.0/8 are listings, and 127.255.255.0/24 means that you may not ask.
    A mail server that takes any answer for a listing refuses all mail once a list is moved or gone.

    Let your users pass first. Whoever has logged in, or comes from your own network, is not looked up.

    Keep an eye on it. Look at your log now and then, and remove lists that have ended.
use-resolver = Use a resolver of your own
use-resolver-text = Ask by a resolver that only you use, on the mail server or beside it. Large public resolvers ask for very many
    people and are refused by many lists. Query name minimisation does no harm.

## Questions and answers

faq-more = Words that are not explained here:
faq-bounced = My mail came back. What does this page have to do with it?
faq-bounced-answer = The mail server of your recipient asks lists like this one whether to take mail from an address. It refused your
    mail, and the refusal named this page.

    Look up the address that stands in the refusal. The result says whether it is listed, why, and what you can do.
faq-blocked-by-whom = Do you block my mail?
faq-blocked-by-whom-answer = No. We never see your mail. The list only says what is known of an address; the operator of the receiving
    server decides what to do about it. If it is urgent, reach your recipient some other way: they can let you through.
faq-who-decides = It says “not listed”, but my mail is refused. Why?
faq-who-decides-answer = There are many lists, and servers refuse mail for many other reasons: no reverse DNS name, a full mailbox, a
    suspicious content. Read the refusal: it usually names the reason, and if it was a list, which one.
faq-still-rejected = The entry was removed an hour ago, and mail is still refused. Why?
faq-still-rejected-answer = Resolvers remember answers for their time to live (TTL), which the result shows. Some mail servers remember
    longer: Postfix does so for the life of a process, up to 100 connections or 100 seconds of idleness.

    If it takes longer than a few hours, the refusal is most likely from another list.
faq-shared = I have done nothing. Why is my address listed?
faq-shared-answer = An address is often one of many people's: in an office, a hotel, a mobile network, at a mail provider. And many are
    handed on: what is listed may be what somebody did who had the address before you.

    Send your mail by your provider's server with user name and password (port 587 or 465). Then it is the provider's
    address that counts, not yours.
faq-why-listed = Why is my mail server listed?
faq-why-listed-answer = The result has the reason. Usual ones: it relays mail for strangers, a user's password was stolen, a web
    form sends mail to anybody, or a computer behind the same address is infected.
faq-relay = What is third-party relay?
faq-relay-answer = A mail server relays for third parties if it takes mail from strangers and passes it on to other strangers. Senders
    of spam look for such servers: they send one copy, the server sends thousands, and its operator gets the complaints.

    A correctly configured server takes mail from outside only for its own domains. For other destinations it takes mail only from its own networks and
    from users who have logged in.
faq-relay-tests = Who tests my server, and what does the test do?
faq-relay-tests-answer = Somebody with a reason has asked for it: the owner, or somebody who has evidence that the server relayed. The test
    hands it a few small messages in several forms of address, all of them to our own domain. If one comes back, the server relays.

    Each message says in English and Japanese why it was sent and how to be left alone. Nobody else's mailbox is touched.
faq-get-off = How do I get off the list?
faq-get-off-answer = End the cause first, or the entry comes back. Then do what the result says, in that order. Most entries also expire by
    themselves; the result shows when.
faq-money = Does removal cost anything?
faq-money-answer = No. Whoever offers to have you removed for money does not act for us.
faq-wrong = The entry is wrong. What now?
faq-wrong-answer = Write to the contact at the foot of this page. Name the address and the time, and quote the refusal. An administrator
    of the receiving server can let you through at once, without us.
faq-privacy = Who sees that I looked something up?
faq-privacy-answer = These pages set no cookies, run no scripts, and load nothing from anywhere else. Whoever knows an address can
    look it up, as DNS answers it to anybody anyhow.
faq-gone = What if the list ends one day?
faq-gone-answer = A list that ends must never answer that everything is listed: that happened to users of ORDB in 2008, more than a year after it
    had ended. Compare return codes, look at the test entries, and remove lists that are gone.
faq-history = Where does the idea come from?
faq-history-answer = MAPS RBL was an early list of hosts that had sent spam. ORBS, and after it ORDB and ORBZ, listed servers that relay for
    third parties. The glossary tells a little about each.

## Glossary

glossary-intro = Words of the field, with their names in the other language.
glossary-dnsbl = DNS block list (DNSBL)
glossary-dnsbl-answer = A list of addresses or domains that is asked over DNS. A mail server turns 192.0.2.99 into 99.2.0.192 followed by the
    name of the list, and asks for that name. If there is an answer, the address is listed.
glossary-listing = listing
glossary-listing-answer = An entry of the list: an address, a network or a domain, with a reason.
glossary-removal = removal, delisting
glossary-removal-answer = The end of an entry before it expires.
glossary-expiry = expiry
glossary-expiry-answer = The time at which an entry ends by itself.
glossary-exclusion = exclusion
glossary-exclusion-answer = An address that is kept out of the list although a network around it is listed.
glossary-allowlist = allow list
glossary-allowlist-answer = A list of whom one wants mail from, whatever other lists say.
glossary-false-positive = false positive
glossary-false-positive-answer = An entry that should not be there, or wanted mail that is taken for spam.
glossary-evidence = evidence
glossary-evidence-answer = What an entry rests on, such as a test message that came back.
glossary-return-code = return code
glossary-return-code-answer = The address that the list answers with, inside 127.0.0.0/8; usually 127.0.0.2. Different codes stand for different
    reasons. 127.255.255.0/24 is no listing: the list refuses to answer you.
glossary-txt = TXT record
glossary-txt-answer = The text to an entry: the reason, usually with the address of a page. Mail servers repeat it in the refusal.
glossary-zone = zone
glossary-zone-answer = The name under which a list is asked. An operator may have several.
glossary-ttl = time to live (TTL)
glossary-ttl-answer = For how long a resolver may remember an answer. Until it has run out, a removal is not seen by those who
    asked shortly before.
glossary-negative-caching = negative caching
glossary-negative-caching-answer = Resolvers also remember that a name does not exist. For that time a new listing is not seen by those who
    asked shortly before (RFC 2308).
glossary-resolver = resolver
glossary-resolver-answer = The DNS server that asks for a mail server, and remembers answers.
glossary-reverse-dns = reverse DNS (PTR)
glossary-reverse-dns-answer = The name that belongs to an address. If that name leads back to the address, it is confirmed. Many mail servers refuse
    mail from addresses without such a name.
glossary-relay = third-party relay, open relay
glossary-relay-answer = A mail server that takes mail from strangers and passes it on to other strangers.
glossary-open-relay-test = relay test
glossary-open-relay-test-answer = A message to ourselves that is handed to somebody else's mail server. If it comes back, the server relays. That the server accepts
    it proves nothing: many accept first and bounce later.
glossary-bounce = bounce, non-delivery report
glossary-bounce-answer = The mail that says why another could not be delivered.
glossary-backscatter = backscatter
glossary-backscatter-answer = Bounces to people who sent nothing: their address was forged. It comes from servers that accept first and refuse
    later.
glossary-smtp-auth = SMTP authentication (SMTP AUTH)
glossary-smtp-auth-answer = Logging in before sending, usually on port 587 or 465. It is what replaced POP before SMTP.
glossary-pop-before-smtp = POP before SMTP
glossary-pop-before-smtp-answer = Who has fetched mail from an address may send from it for some minutes. It was a stop-gap until mail programs
    could log in to send. As many people may share one address, it lets in more than it should.
glossary-maps-rbl = MAPS RBL
glossary-maps-rbl-answer = A list of hosts that had really sent spam, asked under blackholes.mail-abuse.org. A TXT record meant “listed”. Since
    1 August 2001 it was for subscribers only.
glossary-orbs = ORBS
glossary-orbs-answer = A list of servers that would relay, whether or not spam had been sent by them; run by Alan Brown in New Zealand until mid-2001. Only
    messages that were really delivered counted, bounces did not. It was criticised for listing hosts that refused its tests, and for testing them again
    and again.
glossary-ordb = ORDB
glossary-ordb-answer = A list of verified open relays, run by volunteers from Denmark from 2001 to 18 December 2006; relays.ordb.org answered 127.0.0.2, and the
    TXT record led to a page for each address. Who had closed a relay had it tested again and was removed. It had questions and answers and a glossary in
    Japanese, too. In March 2008 the name began to answer every question, and servers that still asked refused all mail.
glossary-orbz = ORBZ
glossary-orbz-answer = A list of open relays by Ian Gulliver, with separate lists for the inputs and the outputs of relays. It ended in March 2002 after a test
    had sent a Lotus Domino server into a mail loop.
glossary-rfc5782 = RFC 5782
glossary-rfc5782-answer = The document that describes DNS block lists: names, answers and test entries.

## Numbers

stats-at = Counted
stats-zones = Entries by list
stats-listings = Listings
stats-exclusions = Exclusions
stats-changes = Additions and removals
stats-chart = Bars for each day: additions filled, removals as an outline, expired entries with a dashed outline. The table below has the same numbers.
stats-days = By day (UTC)
stats-day = Day
stats-added = Added
stats-removed = Removed
stats-none-yet = Figures are kept from now on; there are none yet.
stats-reasons = Listings by reason
stats-reasons-chart = Lines of the number of listings by day, one for each reason, with the letters of the table below, which has the same numbers.
stats-reasons-table = Listings at the end of each day, by list and return code
stats-others = all others
stats-expired = Expired
stats-ages = Time to removal
stats-ages-chart = Bars of how many listings were removed, by how long they had been there. The table below has the same numbers.
stats-ages-table = Removed in the last 30 days, by how long they had been listed
stats-ages-note = Single entries that somebody removed, or that were removed after a test; not those that expired, nor those of imports.
stats-no-ages = No single entry has been removed in the last 30 days.
stats-age = Had been listed
stats-share = Share
age-hour = up to an hour
age-day = up to a day
age-two-days = up to 2 days
age-week = up to 7 days
age-month = up to 30 days
age-quarter = up to 90 days
age-longer = longer
stats-questions = Questions a second
stats-questions-chart = Lines of the questions a second by hour: A all of them, B those that were answered with a listing. The table below has the same numbers.
stats-questions-table = Questions over DNS a second, by hour (UTC)
stats-hour = Hour
stats-asked = asked
stats-answered = listed
stats-note = Added up anew every five minutes at most. Listings by return code are counted once a day.

## State

state-serving = The list answers and takes changes.
state-loading = The list is being started.
state-read-only = The list answers, but takes no changes at the moment: nothing is added or removed.
status-at = Now
status-last-change = Last change
status-behind = DNS answers with
status-up-to-date = all changes
status-changes = { $count ->
    [one] all but the last change
   *[other] all but the last { $count } changes
}
status-zones = Lists
status-serial = Serial
status-ttl = Remembered for
status-serial-note = The serial is that of the SOA record: two servers with the same serial have the same list.
status-history = Changes of the state
status-history-note = As noticed by this server since its start.
feed-link = Feed of the state (Atom)
feed-title = State of { $name }
feed-summary = Since { $time }: { $state }

## No page

no-page = There is no such page
no-page-text = The address is wrong, or what was there has gone. You can look something up here.
too-many = Too many requests
too-many-text = More pages were asked for from your network than one network gets. Try again in a moment. Programs ask over DNS,
    not here.
not-now = Not at the moment
not-now-text = The server is being started, or has too much to do. Try again in a minute. Mail is not affected by this.
broken = Something is broken
broken-text = The page could not be made. The operator sees it in the log. Whether an address is listed can still be asked over DNS.

## Forms

form-fault = That did not work yet
form-retry = Try again in { $length }.
form-elsewhere = The form was sent from a page of another site, or by a browser that does not tell. Open the form here and send it
    from here.
form-no-address = The server does not know which address you are coming from: the proxy in front of it does not say. The operator has to
    mend that.
form-unreadable = What was sent is none of the forms here, or is too large.
fault-early = You were quicker than people are. Look at the form once more, and send it in some seconds.
fault-stale = The form was opened a long time ago, or from another network. What you typed is still here: send it once more.

## Nominating a host

menu-nominate = Relay test
nominate-intro = Here you have a mail server tested for third-party relay. The test hands the server a few small messages to our own domain, in
    several forms of address. If one comes back, the server relays for anybody and is listed.

    Nobody is tested without a reason. You have one if the server is yours, if you have mail that came through it, or if it is listed and
    has been closed since.
nominate-address = Address of the mail server (IPv4 or IPv6)
nominate-ground = Why should it be tested?
ground-own = It is my server, and I am on it now: I am coming from { $address }
ground-own-text = It is the server’s own request
ground-owner = Its owner has asked
ground-evidence = There is mail that it relayed
ground-retest = It is listed, and the time for the next test has come
ground-delist = It is listed, and has been closed since
nominate-evidence = The evidence: the header of a message that it relayed
nominate-evidence-hint = Only needed for mail that it relayed. All Received lines, without the text of the message. It is kept with the test and never
    shown here.
nominate-domain = A domain whose mail the server takes (may be left out)
nominate-button = Ask for the test
nominate-limits = What the test does not do
nominate-limit-address = { $days ->
    [one] An address is tested once a day at most, for anybody who asks here.
   *[other] An address is tested once in { $days } days at most, for anybody who asks here.
}
nominate-limit-day = { $count ->
    [one] From your network one test a day can be asked for.
   *[other] From your network { $count } tests a day can be asked for.
}
nominate-limit-network = { $count ->
    [one] In a network (/24, IPv6 /48) one host an hour is tested.
   *[other] In a network (/24, IPv6 /48) at most { $count } hosts an hour are tested.
}
nominate-limit-messages = Only port 25 is tested, with twelve small messages at most. All of them go to our own domain; nobody else gets mail. Nothing is
    scanned, and no password is tried.
nominate-limit-opt-out = Networks whose owners do not want it are not tested. Special-use addresses are not either.
nominate-more = What follows from a test:
fault-no-address = Enter the address of the mail server.
fault-malformed-address = That is no IPv4 or IPv6 address. A name is not enough: look up the address of the server and enter that.
fault-embedded = This IPv6 address stands for an IPv4 address. Enter the IPv4 address itself.
fault-special = This address is not tested: no mail server of the Internet has such an address, or it is outside what is tested here.
fault-own = This is an address of the list itself.
fault-opted-out = The owner of this network does not want it to be tested.
fault-no-ground = Choose a reason.
fault-not-from-there = You are not coming from the address that you want to have tested. Send the form from the server itself, or choose another
    reason.
fault-not-listed = This address is not listed as an open relay, so there is nothing to be removed.
fault-no-evidence = Add the header of a message that the server relayed.
fault-long-evidence = The evidence is longer than 16 KiB. The header of one message is enough.
fault-malformed-domain = That is no name of a domain.
fault-not-mx = Mail for this domain does not go to this server. Leave the domain out, or enter one whose MX it is.
fault-lookup = The domain could not be looked up. Leave it out, or try again later.
limit-address = This address was tested a short time ago.
limit-delist = Another test for removal has to wait, longer each time.
limit-network = Several hosts of this network were tested within the hour.
limit-submitter = As many tests as one network may ask for have been asked for from yours.
limit-all = There is more to be tested at the moment than can be.

## A relay test

test-title = Relay test of { $address }
test-waits = Waits for its turn
test-talks = Being tested
test-awaits = Waits for messages to come back
test-retries = Waits for the second try
test-cancelled = Called off
verdict-open = Open relay
verdict-open-text = A test message came back: the server relays for anybody.
verdict-clean = No relay found
verdict-clean-text = The server refused the test messages, or none of them came back.
verdict-blocked = No verdict: it does not talk to us
verdict-blocked-text = The server refuses connections from the tester. That says nothing about whom it relays for.
verdict-unreachable = No verdict: it could not be reached
verdict-unreachable-text = Nobody answered at this address. That counts neither for nor against the server.
verdict-inconclusive = No verdict: the answers were not clear
verdict-inconclusive-text = Some of the messages got no clear answer, or were put off twice.
test-refresh = This page is loaded anew every { $seconds } seconds until there is a verdict.
test-refresh-off = Stop that
test-refresh-on = Load this page anew by itself
test-follows = What follows
follows-begins = The test begins
follows-waits = The test begins as soon as there is room; usually within a minute.
follows-talks = The probes below are being sent, one after the other. That takes a minute or two, with slow servers longer.
follows-awaits = The server took messages. If none has come back, there is a verdict
follows-retries = The server asked us to come back later, as servers with grey lists do. The second try begins
follows-cancelled = Nothing follows from this test.
follows-close = Close the relay: take mail to other domains only from your own networks and from users who have logged in. Then have the server tested
    again.
follows-unlisted = The server is not listed as an open relay.
follows-nothing = Nothing changes: whoever was listed stays listed, whoever was not is not.
follows-second-test = A listed server is removed after two clean tests. The second one begins
follows-listed = The server is listed as an open relay.
test-ask-delist = The server has been closed: test it again, and remove it
test-about = About this test
test-host = Server
test-ground = Reason
test-asked = Asked for
test-number = Number
test-probes = Probes
test-probes-text = Forms of address that are tried, and what became of each
test-probe = Form
test-outcome = Outcome
outcome-waits = not sent
outcome-sent = sent, no answer yet
outcome-refused = refused
outcome-accepted = taken, has not come back
outcome-returned = came back: relayed
outcome-bounced = taken, then bounced
outcome-error = no clear answer
outcome-deferred = put off (4xx)
test-returns = What came back
test-returned = the message of { $probe }, brought by { $peer }
test-bounced = a bounce of { $probe }, brought by { $peer }
test-headers = Header of the first message that came back
test-transcript = What was said
test-transcript-text = C is the tester, S the server, * what else happened. Tokens are cut.
test-no-transcript = Nothing has been said yet.
test-part = Part { $number } of { $count }.
test-before = Part before
test-next = Next part
test-cut = Who asked for the test, and with which evidence, is not shown. Whoever knows the number of the test can see this page.

## Incidents

status-incidents = Incidents
status-no-incidents = None is known.
incident-now = Going on
incident-ended = From { $began } to { $ended }
incident-goes-on = Since { $began }
feed-incidents-link = Feed of incidents (Atom)
feed-incidents = Incidents of { $name }

## Asking for removal

menu-remove = Removal
step-ask-removal = Then ask for removal. Say what was wrong, and what you have changed:
policy-removal-form = Ask for it here:
policy-removal-self = Who asks for removal is removed at once. An address that comes back waits { $wait } the second time, and twice as long each time
    after that. What a reviewer has to decide is answered within { $promise }.
policy-removal-review = Requests for removal are read by a reviewer and answered within { $promise }.
remove-intro = Here you ask for an address, a network or a domain to be listed no more. End the cause first, or the entry comes back. An open relay is tested again,
    and removed if it is closed.
remove-zone = Which list?
remove-comment = What was wrong, and what have you changed?
remove-comment-hint = Reviewers read this. Do not write anything that you would not tell them.
remove-contact = Your mail address (may be left out)
remove-contact-needed = Your mail address
remove-contact-hint = It is used for this request only: for a link that confirms it, where the list wants that, and for the answer. It is shown on
    no page.
remove-button = Ask for removal
remove-who = Who may ask
remove-who-text = Whoever runs the server or the network, or the domain. If you only want to send mail, tell whoever runs your mail server.

    It costs nothing, and nobody needs an account for it.
fault-no-subject = That is no address, prefix or domain.
fault-not-listed-here = That is not listed in a list that is shown here, so there is nothing to be removed.
fault-several = Several lists have this entry. Choose one.
fault-test-entry = That is a test entry, which always exists and says nothing about anybody.
fault-no-contact = This list wants requests to be confirmed by mail. Enter your mail address.
fault-malformed-contact = That is no mail address.
limit-removals = As many requests as one network may send in an hour have come from yours.
limit-mails = As many mails as one mailbox is sent in a day have been sent to this one.
limit-crowded = Several people have asked for the same already. Their requests will be answered.
limit-full = More requests wait at the moment than can be kept.
removal-title = Removal of { $subject }
removal-unconfirmed = Waits for your confirmation
removal-review = Waits for a reviewer
removal-waits = Waits for its time
removal-retest = The server is being tested
removal-removed = Removed
removal-refused = Stays listed
removal-follow-link = We have sent you a mail. Follow the link in it, so that we know that you can be reached.
removal-follow-until = Otherwise the request is forgotten
removal-promised = The request is answered at the latest
removal-wider = All of { $prefix } is listed. A reviewer decides whether this part of it may be left out.
removal-waits-until = It is removed
removal-waits-why = It was removed before and came back. So it waits this time, and longer each time.
removal-tested = The server is tested. If it refuses to relay in two tests, it is removed.
removal-test-link = Follow the test
removal-removed-at = It was removed
removal-refused-text = If you do not agree, write to the operator:
removal-open-text = The test has found that the server still relays. Close the relay, and ask again.
removal-by-mail = You are told by mail what comes of it.
removal-note = What the reviewer says
removal-about = This request
removal-subject = What is asked about
removal-now = At the moment
removal-keep = Keep the address of this page: it is the only way to see how your request stands. Who knows it can see the page.
confirm-title = Confirm a request for removal
confirm-text = Somebody has asked for removal and named this mailbox. If that was you, confirm it. If not, close this page, and nothing happens.
confirm-button = Confirm the request
## The console

admin-title = Console
admin-menu-overview = Overview
admin-menu-listings = Listings
admin-menu-reports = Reports
admin-menu-tests = Relay tests
admin-menu-allow = Allow entries
admin-menu-feeds = Feeds
admin-menu-sources = Sources
admin-menu-subscribers = Subscribers
admin-menu-audit = Audit
admin-menu-tokens = Tokens
admin-menu-undo = Undo
admin-sign-in = Sign in
admin-sign-in-text = Sign in with a token of the API. What you may do here is what the token may do. The session ends after half an hour
    without use, and after eight hours at the latest.
admin-token = Token
admin-not-signed-in = You were not signed in.
admin-sign-out = Sign out
admin-signed-in-as = Signed in as
admin-not-permitted = The token may not do this
admin-forged = This form is not from your session
admin-elsewhere = Another site has led you here
admin-go-on = Go on to the console
admin-mistake = This can't be
admin-missing = There is no such thing
admin-conflict = This can't be done as things are
admin-goes-on = It takes a while and goes on without this page. The audit shows when it is done.
admin-next = Next page
admin-show = Show
admin-nothing = Nothing.
admin-more = There is more; narrow it down.
admin-yes = yes
admin-no = no
admin-any = any
admin-state = State
admin-kind = Kind
admin-zone = Zone
admin-zones = Zones
admin-every-zone = all zones
admin-source = Source
admin-sources = Sources
admin-network = Network or address
admin-networks = Networks
admin-address = Address
admin-by = By
admin-since = Since
admin-changed = Changed
admin-expires = Expires
admin-expired = expired
admin-note = Note
admin-note-hint = Note (only operators see it)
admin-note-told = Note (whoever asked for the removal is told)
admin-tags = Tags
admin-why = Why
admin-owner = Who answers for it
admin-change = Change
admin-sequence = Sequence number
admin-behind = Changes that DNS does not answer with yet
admin-queues = What waits
admin-reports-waiting = Reports waiting
admin-feeds-failing = Feeds that fail
admin-serial = Serial
admin-listings = Listings
admin-exclusions = Exclusions
admin-frozen = Frozen sources
admin-dns-lists = DNS lists it
admin-dns-lists-not = DNS does not list it
admin-add = Add a listing
admin-added = Added; DNS answers with it.
admin-remove = Remove
admin-removed = Removed; DNS answers without it.
admin-exclusion = Exclusion: keep it out of what covers it
admin-replace = Replace what this source says of it already
admin-codes = Return codes
admin-codes-hint = Return codes (none: those of the zone)
admin-reason-hint = Reason (none: that of the zone; $ is the subject that was asked for)
admin-days-hint = For how many days (none: for ever)
admin-days = { $count ->
    [0] at once
    [one] after { $count } day
   *[other] after { $count } days
}
admin-undo = Undo
admin-undo-text = An undo is a change of its own, after which all is as it was before. It is refused where something later rests on the
    change.
admin-undone = Change { $change } was undone.
admin-report-waiting = waiting
admin-report-listed = listed
admin-report-testing = being tested
admin-report-confirmed = found true
admin-report-refuted = found false
admin-reporter = Reporter
admin-reported = Reported
admin-events = Events
admin-comment = Comment
admin-duplicates = Repeated
admin-first-seen = First seen
admin-last-seen = Last seen
admin-evidence = Evidence
admin-test = Relay test
admin-decide = Decide
admin-decide-text = A verdict is about all reports that say the same of the subject. What is true is listed by the rule of the zone, or for a
    day where it has none; a listing that rests on what is false ends.
admin-verdict = Verdict
admin-confirm = It is true
admin-refute = It is false
admin-decided = Decided
admin-decided-by = Decided by
admin-decision-kept = The decision is kept.
admin-feed-good = runs
admin-feed-failing = fails
admin-feed-waiting = has not run yet
admin-feed-running = (running now)
admin-origin = Comes from
admin-every = Every
admin-last-attempt = Last attempt
admin-last-success = Last success
admin-next-attempt = Next attempt
admin-imported = Last import (+ added, ~ changed, - removed, = as before, ! rejected)
admin-failing-since = Fails since
admin-failing-why = What went wrong
admin-run = Run now
admin-feed-ran = The feed has run.
admin-feed-failed = The feed has run and failed.
admin-freeze = Freeze
admin-thaw = Thaw
admin-frozen-since = Frozen since
admin-is-frozen = The source is frozen: it writes no more, and what it lists stays.
admin-is-thawed = The source writes again.
admin-per-second = Questions a second
admin-per-day = Questions a day
admin-keys = Keys that count
admin-usage = Usage
admin-usage-text = Questions of the last 30 days
admin-day = Day
admin-questions = Questions
admin-refused = Denied
admin-rotate = Give it another key
admin-overlap = The keys that it has end
admin-key = A new key
admin-key-text = This is the only page that shows the key. Hand it to the subscriber now.
admin-revoke = Revoke
admin-revoke-subscriber-text = The next question with its key is denied.
admin-revoked = Revoked.
admin-ground = Ground
admin-ground-evidence = There is evidence that it relayed
admin-ground-delist = It is listed and should be tested again
admin-ground-owner = Its owner asks for it
admin-submitted = Asked for
admin-tested = Tested
admin-test-submit = Ask for a test
admin-test-submitted = The test is asked for.
admin-listed-now = Listed now
admin-port = Port
admin-domain = Domain
admin-via = Came back by way of
admin-retry = Tried again
admin-probes = Probes
admin-transcript = Transcript
admin-came-back = Came back
admin-bounce = bounce
admin-received = Received
admin-opt-outs = Networks that are not tested
admin-opt-out = Test it no more
admin-opt-in = Test it again
admin-opted-out = The network is not tested any more.
admin-opted-in = The network may be tested again.
admin-allow-add = Add an allow entry
admin-allow-text = The subject, and all that it covers, is not listed, whatever listings, imports and ranges say.
admin-actor = Actor
admin-about = About
admin-action = Action
admin-when = When
admin-token-id = Token's id
admin-scopes = Scopes
admin-max-prefix = Largest prefixes
admin-per-minute = Requests a minute
admin-parent = Made with
admin-last-used = Last used
admin-menu-review = Review
admin-item-removal = request for removal
admin-item-report = report
admin-item-listing = listing that never expires
admin-promised = An answer is promised until
admin-overdue = overdue
admin-claimed-by = Worked on by
admin-claimed-until = until
admin-claim = I work on it
admin-claimed = Others see for half an hour that you work on it.
admin-release = Nobody works on it
admin-released = Others may take it.
admin-grant = Grant: what covers it stays
admin-grant-wider = Grant, and remove what covers it too
admin-refuse = Refuse
admin-keep = Keep the listing
