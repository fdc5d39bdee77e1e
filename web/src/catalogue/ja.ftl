# 日本語のページ。キーと埋め込む値は英語版と同じです(テストで確かめています)。
# 空行で段落が変わります。

## すべてのページに共通

page-title = { $page } – { $name }
skip = 本文へ移動
menu = ページ一覧
languages = 言語
menu-policy = 掲載の方針
menu-use = 利用方法
menu-faq = よくある質問
menu-glossary = 用語集
menu-stats = 統計
menu-status = 稼働状況
operated-by = 運用者: { $operator }
contact = 連絡先:
imprint = 運営者情報

## 時刻

time-now = たった今
time-ago = { $length }前
time-in = { $length }後
time-seconds = { $count } 秒
time-minutes = { $count } 分
time-hours = { $count } 時間
time-days = { $count } 日

## 検索欄

search-label = IP アドレス、プレフィックス、またはドメイン
search-button = 調べる
search-hint = 例: 192.0.2.1、2001:db8::1、192.0.2.0/24、example.org

## トップページ

home-intro = メールサーバーは、接続してきたアドレスからメールを受け取ってよいかどうかを、このリストに問い合わせます。アドレス、ネットワーク、ドメインが掲載されているかどうか、その理由と対処方法をここで確認できます。
home-own-address = 検索欄には、今お使いの接続のアドレスが入っています。メールが拒否された場合は、エラーメールに書かれているアドレスを調べてください。多くの場合、お使いのパソコンではなくメールサーバーのアドレスです。
home-more-status = 稼働状況の詳細
home-who = 次にご覧いただくページ
home-rejected = 送ったメールが戻ってきた方:
home-listed = サーバーが掲載されている方:
home-administrator = メールサーバーを管理している方:

## 入力

lookup-title = 検索
mistake-title = 調べられない文字列です
mistake-typed = 入力された文字列:
mistake-too-long = IP アドレスやドメイン名としては長すぎます。
mistake-notation = IP アドレス、プレフィックス、ドメインの書き方が、ここで使うものと異なります。
mistake-no-subject = IP アドレス、プレフィックス、ドメインのいずれでもありません。URL、メールアドレス、文章ではなく、その中のアドレスまたはドメインだけを入力してください。
mistake-instead = もしかして:

## 検索結果

result-listed = { $subject } は掲載されています
result-not-listed = { $subject } は掲載されていません
result-test = { $subject } はテスト用の項目です
result-no-zones = この種類のアドレスを対象とする公開リストはありません。
result-at = 検索日時:
permalink = この検索結果の固定 URL です。メールや問い合わせにお使いください:
other-zones = その他のリスト
zone = リスト
state-listed = 掲載あり
state-not-listed = 掲載なし
state-excluded = 掲載なし(除外登録)
state-test = テスト用の項目
covered-by = 掲載の対象
covered-by-note = – この範囲全体が掲載されており、お調べの対象はその一部です。
included = 掲載元のリスト
reason = 掲載理由
codes = リターンコード
first-seen = 掲載日時
last-changed = 最終更新
expires = 掲載期限
expires-never = 期限なし
excluded-text = 周囲のネットワークが掲載された場合でも、この対象は掲載されないように運用者が設定しています。
test-text = リストの動作確認のための項目です(RFC 5782)。だれかを掲載しているわけではありません。
removed-at = 掲載されていましたが、解除されました。解除日時:
remembered-until = 名前解決サーバー(リゾルバー)には、次の時刻まで古い応答が残っている場合があります:
inside-too-wide = 範囲内の掲載は、/24(IPv6 は /48)以下の範囲についてのみ表示します。
inside-nothing = この範囲内に掲載はありません。
inside-some = この範囲内の掲載:
inside-more = ほかにもあります
dns = DNS の応答
dns-codes = 応答: { $codes }。リゾルバーには最長 { $ttl }間キャッシュされます。
dns-nothing = 該当する名前はありません(NXDOMAIN)。この応答は、リゾルバーに最長 { $ttl }間キャッシュされます。

names = ホスト名
names-unknown = 逆引き(PTR)を時間内に確認できませんでした。
names-none = 逆引き(PTR)が設定されていません。それだけでメールを拒否するサーバーが多くあります。
names-unconfirmed = 逆引き(PTR)は { $host } ですが、その正引きが元のアドレスに戻りません。それだけでメールを拒否するサーバーが多くあります。
names-confirmed = 逆引き(PTR)は { $host } で、正引きも元のアドレスに戻ります。問題ありません。

## 第三者中継テストの結果

evidence = 第三者中継テストの結果
evidence-text = このホストに、無関係な第三者あてのテストメールを渡したところ、中継されて当方に届きました。つまり、だれからのメールでも中継する状態です。
evidence-confirmed = 中継を確認した日時
evidence-port = ポート
evidence-probes = 中継されたアドレス形式
evidence-way = 経路
evidence-through-another = テストメールは別のホストを経由して届きました。
evidence-next = 次回のテスト
evidence-cut = テストの依頼者とメールの内容は公開していません。ホストの管理者の方には、お問い合わせがあればお知らせします。

## 対処方法

todo = 対処方法
todo-administrator = メールサーバーの管理者の方
todo-sender = メールの送信者の方
step-read-reason = 上の掲載理由を確認し、その時刻のメールサーバーのログを調べてください。
step-close-relay = 第三者中継を止めてください。ほかのドメインあてのメールは、自組織のネットワークからのものと、認証済みの利用者からのものだけを受け付けるようにします。Web フォーム、バックアップ MX、メールを転送する機器など、すべての入口を確認してください。
step-await-second-test = 2 回のテストのうち 1 回目で、中継しないことを確認しました。2 回目でも確認できれば、掲載を解除します。2 回目のテスト予定:
step-await-retest = 自動的に再テストを行い、2 回続けて中継しないことを確認できれば、掲載を解除します。次回のテスト予定:
step-ask-network-owner = このアドレスだけでなく、{ $prefix } 全体が掲載されています。対処できるのはこのネットワークの管理者です。ご契約のプロバイダーにお問い合わせください。
step-ask-domain-owner = この名前だけでなく、{ $domain } 全体が掲載されています。対処できるのはこのドメインの管理者です。
step-end-cause = 原因を突き止めて取り除いてください。よくある原因は、パスワードの漏えい、改ざんされた Web サイト、同じアドレスを使うパソコンのウイルス感染、オープンプロキシです。
step-ask-operator = 対処が済んだら、解除を申請してください。アドレス、原因、行った対策をお書き添えください。申請先:
step-await-expiry = 新たな報告がなければ、次の時刻に掲載は自動的に終了します:
step-no-expiry = この掲載には期限がありません。
step-await-caches = 解除後も、リゾルバーには最長 { $ttl }間、一部のメールサーバーにはさらに数分間、古い応答が残ります。そのあいだはメールが拒否されることがあります。
step-await-caches-until = すでに解除されています。リゾルバーには、次の時刻まで古い応答が残っている場合があります:
step-read-bounce = それでもメールが拒否される場合は、エラーメールの文面を確認してください。拒否の根拠となったリストの名前が書かれています。ブロックリストは数多くあり、それぞれ独立して運用されています。
step-mail-server-remembers = Postfix は、リストの TTL にかかわらず、プロセスが終了するまで(最大 100 接続、または 100 秒間接続がなくなるまで)応答を覚えています。相手側に反映されるまで、しばらくかかることがあります。
step-check-names = アドレスに逆引き(PTR)が設定され、その名前の正引きが同じアドレスに戻ること、HELO で自ホストの名前を名乗っていることを確認してください。リストとは関係なく、これが整っていないメールを拒否するサーバーは多くあります。
step-nothing-here = 必要な対処はありません。このアドレスは掲載されないように設定されています。
step-not-your-doing = おそらく、あなたのせいではありません。このアドレスは、メールサーバーのものか、ほかの人と共用している回線のものです。
step-leave-out-domain = このドメインが、送信者、ホスト名、またはリンクとしてメールに含まれています。ご自身のドメインでなければ、その部分を除いて送り直してください。
step-tell-administrator = メールサーバーまたは回線の管理者に、エラーメールの全文とこのページの URL を添えて連絡してください。対処できるのは管理者だけです。
step-use-submission = ご自身の回線のアドレスの場合は、プロバイダーの送信サーバー(587 番または 465 番ポート)を使い、ユーザー名とパスワードで認証して送信するように、メールソフトを設定してください。
step-shared-address = アドレスが割り当てられたばかりのときや、ホテルや携帯電話網などでほかの人と共用しているときは、別の人の行為が原因かもしれません。

## 掲載の方針

policy-intro = リストに何を、どのくらいの期間掲載し、どのようにして掲載が終わるかを説明します。内容はすべて、サーバーの実際の設定から表示しています。
policy-no-zones = 公開しているリストはありません。
policy-lists = 掲載の対象
policy-lists-addresses = IP アドレスとネットワーク(IPv4、IPv6)
policy-lists-domains = ドメイン
policy-reason = 標準の掲載理由
policy-address = (アドレス)
policy-combined = 統合リスト
policy-combined-text = ほかのリストの内容も合わせて応答します。それぞれの掲載基準はもとのリストに従います。
policy-access = 問い合わせできる人
policy-access-open = どなたでも
policy-access-quotas = どなたでも(問い合わせ数に上限があります)
policy-access-rules = どなたでも(個別の規則がある一部のネットワークを除きます)
policy-access-subscribers = 契約者のみ
policy-ttl = キャッシュの期間
policy-ttl-text = 「掲載あり」は { $positive }、「掲載なし」は { $negative }
policy-test-points = テスト用の項目
policy-test-points-ip = 127.0.0.2 は常に掲載あり、127.0.0.1 は常に掲載なしです(RFC 5782)
policy-test-points-domain = test は常に掲載あり、invalid は常に掲載なしです(RFC 5782)
policy-relays = 第三者中継(オープンリレー)
policy-relays-text = ホストに渡したテストメールが中継されて当方に届いたときに、そのホストを掲載します。メールを受け付けただけ、またはエラーメールを返しただけでは、中継の証拠とはみなしません。テストを拒否したことを理由に掲載することもありません。

    理由なくテストを行うことはありません。テストを行うのは、ホスト自身からの依頼、所有者からの依頼、中継した証拠があるとき、または掲載中で再テストの時期が来たときだけです。ネットワークの所有者は、テストの対象から外すように求めることができます。
policy-relays-retests = 掲載中のホストは、掲載から { $days } 日後に再テストし、それ以降は 90 日ごとに再テストします。中継を再確認できなければ、{ $keep } 日で掲載を終了します。
policy-relays-removal = { $apart }以上の間隔を空けた 2 回のテストで中継しないことを確認できれば、掲載を解除します。
policy-removal = 掲載の解除
policy-removal-text = 掲載は、期限が来たとき、掲載した者が取り下げたとき、または運用者が解除したときに終わります。解除は直ちに DNS の応答に反映されますが、リゾルバーには上記の期間、古い応答が残ります。

    解除に費用はかかりません。
policy-removal-contact = 解除の申請、異議の申し立て:
policy-shown = このサイトで公開する情報
policy-shown-text = 公開するのは、もともと DNS で応答している情報(掲載の有無、該当する項目、リターンコード、掲載理由)と、掲載の日時です。第三者中継については、テストの結果も公開します。

    報告者、内部のメモ、証拠として送られたメールは公開しません。

## 利用方法

use-intro = リストへの問い合わせには DNS を使います。以下の設定例は、実際のソフトウェアで動作を確認したものです。リストの名前は書き換えてあります。
use-try = 動作確認
use-try-text = 1 行目の応答が 127.0.0.2 で、2 行目には応答がないのが正常です。両方に応答がある場合や、どちらにも応答がない場合は、途中の経路に問題があります。そのままでは利用しないでください。
use-rules = 3 つの約束
use-rules-text = リターンコードを必ず確認してください。掲載を意味するのは 127.0.0.0/8 の応答だけで、127.255.255.0/24 は問い合わせの拒否を意味します。どのような応答でも掲載とみなす設定では、リストが移転または終了したときに、すべてのメールを拒否してしまいます。

    自組織の利用者は先に通してください。認証済みの利用者と自組織のネットワークは、問い合わせの対象にしません。

    ときどき様子を見てください。ログを確認し、終了したリストは設定から外してください。
use-resolver = 専用のリゾルバーを使ってください
use-resolver-text = 問い合わせには、メールサーバー上またはその近くにある、自組織専用のリゾルバーを使ってください。大規模な公開リゾルバーは非常に多くの人の問い合わせを代行しているため、多くのリストで拒否されます。QNAME minimisation は有効のままで問題ありません。

## よくある質問

faq-more = ここで説明していない用語については、こちらをご覧ください:
faq-bounced = メールが戻ってきました。このサイトと何の関係がありますか?
faq-bounced-answer = 宛先のメールサーバーは、接続してきたアドレスからメールを受け取ってよいかどうかを、このようなリストに問い合わせます。その結果メールが拒否され、エラーメールにこのサイトの URL が書かれていたものと思われます。

    エラーメールに書かれているアドレスを調べてください。掲載の有無、理由、対処方法が表示されます。
faq-blocked-by-whom = 私のメールを止めているのは、このリストですか?
faq-blocked-by-whom-answer = いいえ。当方がメールを見ることはありません。リストはアドレスについてわかっていることを答えるだけで、受け取るかどうかを決めるのは受信側サーバーの管理者です。お急ぎの場合は、別の手段で宛先の方に連絡し、受信を許可してもらってください。
faq-who-decides = 「掲載なし」と表示されますが、メールが拒否されます。なぜですか?
faq-who-decides-answer = ブロックリストはほかにも数多くあります。また、逆引きが設定されていない、メールボックスの容量を超えている、内容が疑わしいなど、リスト以外の理由で拒否されることもあります。エラーメールの文面に、たいてい理由が書かれています。リストが理由であれば、その名前もわかります。
faq-still-rejected = 1 時間前に解除されたのに、まだ拒否されます。なぜですか?
faq-still-rejected-answer = リゾルバーは、TTL の期間だけ応答を覚えています(検索結果に表示されます)。さらに長く覚えているメールサーバーもあります。Postfix は、プロセスが終了するまで(最大 100 接続、または 100 秒間接続がなくなるまで)応答を覚えています。

    数時間たっても拒否される場合は、別のリストによるものと考えられます。
faq-shared = 何もしていないのに、なぜ掲載されているのですか?
faq-shared-answer = 一つのアドレスを大勢で使っていることは珍しくありません。会社、ホテル、携帯電話網、メール事業者などがその例です。また、アドレスは次の人に割り当て直されます。以前に使っていた人の行為が原因かもしれません。

    プロバイダーの送信サーバー(587 番または 465 番ポート)を使い、ユーザー名とパスワードで認証して送信してください。そうすれば、問われるのはご自身のアドレスではなく、プロバイダーのアドレスになります。
faq-why-listed = 管理しているメールサーバーが掲載されているのは、なぜですか?
faq-why-listed-answer = 検索結果に掲載理由が表示されます。よくある理由は、第三者中継を許している、利用者のパスワードが盗まれた、Web フォームからだれにでもメールを送れる、同じアドレスを使うパソコンがウイルスに感染している、などです。
faq-relay = 第三者中継とは何ですか?
faq-relay-answer = 無関係な人から受け取ったメールを、別の無関係な人へ転送することを第三者中継といいます。迷惑メールの送信者は、このようなサーバーを探しています。1 通送るだけで、サーバーが何千通も配信し、苦情はその管理者に届くからです。

    正しく設定されたサーバーは、外部からは自ドメインあてのメールだけを受け取ります。ほかのドメインあてのメールは、自組織のネットワークからのものと、認証済みの利用者からのものだけを受け付けます。
faq-relay-tests = だれが、どのようなテストをするのですか?
faq-relay-tests-answer = サーバーの所有者や、中継された証拠を持つ人など、理由のある人が依頼したものです。テストでは、いくつかのアドレス形式の小さなメールを渡します。宛先はすべて当方のドメインです。1 通でも届けば、中継していることになります。

    どのメールにも、送信の理由と、テストの対象から外す方法が、英語と日本語で書かれています。ほかの人のメールボックスに届くことはありません。
faq-get-off = どうすれば解除されますか?
faq-get-off-answer = まず原因を取り除いてください。そうしないと、再び掲載されます。そのうえで、検索結果に表示される手順に従ってください。ほとんどの掲載には期限があり、自動的に終了します。期限は検索結果に表示されます。
faq-money = 解除に費用はかかりますか?
faq-money-answer = かかりません。有料で解除を請け負うという人がいても、当方とは関係ありません。
faq-wrong = 誤掲載だと思います。どうすればよいですか?
faq-wrong-answer = このページの下部にある連絡先へお知らせください。アドレスと時刻、エラーメールの文面をお書き添えください。受信側サーバーの管理者に頼めば、当方の対応を待たずに受信を許可してもらえます。
faq-privacy = 検索したことは、だれかに知られますか?
faq-privacy-answer = このサイトは Cookie もスクリプトも使わず、外部のサイトから何も読み込みません。アドレスを知っている人なら、だれでもそのアドレスを検索できます。DNS でも同じ内容を、だれにでも応答しています。
faq-gone = リストが終了したら、どうなりますか?
faq-gone-answer = 終了したリストが「すべて掲載あり」と応答することは、あってはなりません。2008 年、終了から 1 年以上たった ORDB で実際に起こり、設定を残していたサーバーがメールを拒否しました。リターンコードとテスト用の項目を確認し、終了したリストは設定から外してください。
faq-history = このようなリストは、どのようにして始まったのですか?
faq-history-answer = MAPS RBL は、実際に迷惑メールを送ったホストの初期のリストです。その後、ORBS、続いて ORDB や ORBZ が、第三者中継を許すサーバーを掲載しました。それぞれ用語集で簡単に紹介しています。

## 用語集

glossary-intro = この分野の用語を、英語名とともに説明します。
glossary-dnsbl = DNS ブロックリスト(DNSBL、ブラックリスト)
glossary-dnsbl-answer = DNS で問い合わせる、アドレスまたはドメインのリストです。メールサーバーは、192.0.2.99 であれば 99.2.0.192 の後ろにリストの名前を付けて問い合わせます。応答があれば、掲載されています。
glossary-listing = 掲載
glossary-listing-answer = リストの項目です。アドレス、ネットワーク、またはドメインと、その掲載理由からなります。
glossary-removal = 解除(掲載解除)
glossary-removal-answer = 期限を待たずに掲載を終えることです。
glossary-expiry = 掲載期限
glossary-expiry-answer = 掲載が自動的に終わる時刻です。
glossary-exclusion = 除外
glossary-exclusion-answer = 周囲のネットワークが掲載されていても、掲載しないように登録されたアドレスです。
glossary-allowlist = 許可リスト(ホワイトリスト)
glossary-allowlist-answer = ほかのリストの内容にかかわらず、メールを受け取りたい相手のリストです。
glossary-false-positive = 誤掲載、誤検知
glossary-false-positive-answer = 本来あるべきでない掲載、または必要なメールを迷惑メールと判定することです。
glossary-evidence = 証拠
glossary-evidence-answer = 掲載の根拠です。たとえば、中継されて戻ってきたテストメールです。
glossary-return-code = リターンコード
glossary-return-code-answer = リストの応答となるアドレスで、127.0.0.0/8 に含まれます。多くの場合は 127.0.0.2 です。コードで掲載理由を区別することもあります。127.255.255.0/24 は掲載ではなく、問い合わせの拒否を意味します。
glossary-txt = TXT レコード
glossary-txt-answer = 掲載に付けられた文章です。掲載理由と、たいていは説明ページの URL が入っています。メールサーバーはこれを拒否の応答に含めます。
glossary-zone = ゾーン
glossary-zone-answer = リストに問い合わせるときの名前です。一人の運用者が複数のゾーンを運用することもあります。
glossary-ttl = TTL(生存時間)
glossary-ttl-answer = リゾルバーが応答を覚えていてよい期間です。直前に問い合わせた人には、この期間が過ぎるまで解除が見えません。
glossary-negative-caching = ネガティブキャッシュ
glossary-negative-caching-answer = リゾルバーは「その名前は存在しない」という応答も覚えています。直前に問い合わせた人には、その期間が過ぎるまで新しい掲載が見えません(RFC 2308)。
glossary-resolver = 名前解決サーバー(リゾルバー)
glossary-resolver-answer = メールサーバーに代わって DNS の問い合わせを行い、応答を覚えておくサーバーです。
glossary-reverse-dns = 逆引き(PTR)
glossary-reverse-dns-answer = アドレスに対応する名前です。その名前の正引きが同じアドレスに戻れば、正しい名前だと確認できます。逆引きのないアドレスからのメールを拒否するサーバーは多くあります。
glossary-relay = 第三者中継(オープンリレー、不正中継)
glossary-relay-answer = 無関係な人から受け取ったメールを、別の無関係な人へ転送すること、またはそれを許すメールサーバーです。
glossary-open-relay-test = 第三者中継テスト
glossary-open-relay-test-answer = 当方あてのメールを、よそのメールサーバーに渡してみるテストです。届けば、中継していることになります。受け付けただけでは証拠になりません。いったん受け付けてから、エラーメールを返すサーバーも多いためです。
glossary-bounce = エラーメール(配送不能通知、バウンス)
glossary-bounce-answer = メールを配送できなかった理由を知らせるメールです。
glossary-backscatter = バックスキャッター
glossary-backscatter-answer = 差出人を詐称されたために、何も送っていない人に届くエラーメールです。受け付けてから拒否するサーバーが送り出します。
glossary-smtp-auth = 送信認証(SMTP AUTH)
glossary-smtp-auth-answer = 送信の前にログインする仕組みです。通常は 587 番または 465 番ポートを使います。POP before SMTP に代わるものです。
glossary-pop-before-smtp = POP before SMTP
glossary-pop-before-smtp-answer = メールを受信したアドレスから、その後数分間の送信を許可する仕組みです。メールソフトが送信認証に対応するまでのつなぎとして使われました。一つのアドレスを大勢で使っていることがあるため、必要以上に許可してしまいます。
glossary-maps-rbl = MAPS RBL
glossary-maps-rbl-answer = 実際に迷惑メールを送ったホストのリストです。blackholes.mail-abuse.org に問い合わせ、TXT レコードがあれば掲載ありを意味しました。2001 年 8 月 1 日からは契約者だけが利用できるようになりました。
glossary-orbs = ORBS
glossary-orbs-answer = 迷惑メールを送ったかどうかにかかわらず、第三者中継を許すサーバーを掲載したリストです。2001 年半ばまで、ニュージーランドの Alan Brown 氏が運用しました。実際に配送されたメールだけを証拠とし、エラーメールは数えませんでした。テストを拒否するホストを掲載したことや、テストを繰り返したことが批判されました。
glossary-ordb = ORDB
glossary-ordb-answer = 確認済みの第三者中継サーバーのリストです。2001 年から 2006 年 12 月 18 日まで、デンマークのボランティアが運用しました。relays.ordb.org が 127.0.0.2 を応答し、TXT レコードでアドレスごとの説明ページを案内していました。中継を止めて再テストに合格すれば解除されました。日本語の FAQ と用語解説もありました。2008 年 3 月、すべての問い合わせに応答するようになり、設定を残していたサーバーがすべてのメールを拒否しました。
glossary-orbz = ORBZ
glossary-orbz-answer = Ian Gulliver 氏による第三者中継サーバーのリストです。中継の入口と出口を別々のリストにしていました。2002 年 3 月、テストをきっかけに Lotus Domino サーバーでメールのループが起こり、終了しました。
glossary-rfc5782 = RFC 5782
glossary-rfc5782-answer = DNS ブロックリストの名前、応答、テスト用の項目を定めた文書です。

## 統計

stats-at = 集計日時:
stats-zones = リストごとの掲載数
stats-listings = 掲載
stats-exclusions = 除外
stats-changes = 追加と解除
stats-chart = 日ごとの棒グラフ。塗りつぶしが追加、枠線が解除、破線が期限切れです。下の表に同じ数値があります。
stats-days = 日ごとの数(UTC)
stats-day = 日付
stats-added = 追加
stats-removed = 解除
stats-none-yet = 統計の記録を始めたばかりで、まだ数値がありません。
stats-reasons = 掲載理由別の掲載数
stats-reasons-chart = 掲載理由ごとの日別掲載数の折れ線グラフ。記号は下の表と同じで、表に同じ数値があります。
stats-reasons-table = 各日の終わりの掲載数(リスト、リターンコード別)
stats-others = その他
stats-expired = 期限切れ
stats-ages = 解除までの期間
stats-ages-chart = 掲載から解除までの期間ごとの件数の棒グラフ。下の表に同じ数値があります。
stats-ages-table = 過去 30 日間に解除された掲載(掲載されていた期間別)
stats-ages-note = 個別に解除された掲載、テストの結果により解除された掲載の件数です。期限切れと、一括登録によるものは含みません。
stats-no-ages = 過去 30 日間に、個別に解除された掲載はありません。
stats-age = 掲載期間
stats-share = 割合
age-hour = 1 時間以内
age-day = 1 日以内
age-two-days = 2 日以内
age-week = 7 日以内
age-month = 30 日以内
age-quarter = 90 日以内
age-longer = それ以上
stats-questions = 1 秒あたりの問い合わせ数
stats-questions-chart = 時間ごとの 1 秒あたりの問い合わせ数の折れ線グラフ。A はすべての問い合わせ、B は「掲載あり」と応答したものです。下の表に同じ数値があります。
stats-questions-table = DNS による 1 秒あたりの問い合わせ数(時間別、UTC)
stats-hour = 時
stats-asked = 問い合わせ
stats-answered = 掲載あり
stats-note = 集計は最短 5 分間隔で行います。リターンコード別の掲載数は、1 日に 1 回数えます。

## 稼働状況

state-serving = 正常に応答しており、変更も受け付けています。
state-loading = 起動中です。
state-read-only = 応答していますが、現在は変更を受け付けていません。追加も解除も行われません。
status-at = 現在時刻
status-last-change = 最終更新
status-behind = DNS への反映
status-up-to-date = すべて反映済み
status-changes = 最新の { $count } 件が未反映
status-zones = リスト
status-serial = シリアル番号
status-ttl = キャッシュの期間
status-serial-note = シリアル番号は SOA レコードのものです。番号が同じサーバーは、同じ内容を応答します。
status-history = 状態の変化
status-history-note = このサーバーが起動してから把握したものです。
feed-link = 稼働状況のフィード(Atom)
feed-title = { $name } の稼働状況
feed-summary = { $time } から: { $state }

## ページがないとき

no-page = ページが見つかりません
no-page-text = URL が間違っているか、ページがなくなっています。ここから検索できます。
too-many = アクセスが多すぎます
too-many-text = お使いのネットワークからのアクセスが上限を超えました。しばらく待ってから、もう一度お試しください。プログラムからの問い合わせには、このサイトではなく DNS をお使いください。
not-now = ただいま表示できません
not-now-text = サーバーが起動中か、混み合っています。1 分ほど待ってから、もう一度お試しください。メールの配送には影響しません。
broken = エラーが発生しました
broken-text = ページを表示できませんでした。エラーは運用者のログに記録されています。掲載の有無は、DNS で引き続き確認できます。

## フォーム

form-fault = 受け付けられませんでした
form-retry = { $length }後にもう一度お試しください。
form-elsewhere = ほかのサイトのページから送信されたか、送信元のページを確認できませんでした。このサイトのフォームを開いて、送信し直してください。
form-no-address = サーバーが接続元のアドレスを確認できません(手前のプロキシが通知していません)。運用者による対応が必要です。
form-unreadable = 送信された内容は、このサイトのフォームではないか、大きすぎます。
fault-early = フォームを開いた直後に送信されました。内容を確認し、数秒待ってから、もう一度送信してください。
fault-stale = フォームを開いてから時間がたっているか、接続元のネットワークが変わりました。入力内容は残っています。もう一度送信してください。

## 第三者中継テストの依頼

menu-nominate = 第三者中継テスト
nominate-intro = メールサーバーが第三者中継を許していないかどうか、テストを依頼できます。テストでは、いくつかのアドレス形式で、当方のドメインあての小さなメールをサーバーに渡します。1 通でも届けば、だれからのメールでも中継するサーバーとして掲載します。

    理由のないテストは行いません。ご自身のサーバーである場合、そのサーバーを経由したメールをお持ちの場合、または掲載後に中継を止めた場合に依頼できます。
nominate-address = メールサーバーの IP アドレス(IPv4 または IPv6)
nominate-ground = 依頼の理由
ground-own = 自分のサーバーであり、現在そのサーバーから接続している(接続元: { $address })
ground-own-text = サーバー自身からの依頼
ground-owner = 所有者からの依頼
ground-evidence = 中継されたメールがある
ground-retest = 掲載中であり、再テストの時期が来た
ground-delist = 掲載されているが、すでに中継を止めた
nominate-evidence = 証拠: 中継されたメールのヘッダー
nominate-evidence-hint = 「中継されたメールがある」場合に必要です。Received 行をすべて含め、本文は除いてください。テストの記録として保管しますが、公開することはありません。
nominate-domain = サーバーが受信するドメイン(省略できます)
nominate-button = テストを依頼する
nominate-limits = テストの制限
nominate-limit-address = このページから依頼できるテストは、一つのアドレスにつき { $days } 日に 1 回までです。
nominate-limit-day = お使いのネットワークから依頼できるテストは、1 日に { $count } 回までです。
nominate-limit-network = 一つのネットワーク(/24、IPv6 は /48)でテストするホストは、1 時間に { $count } 台までです。
nominate-limit-messages = テストするのは 25 番ポートだけで、渡すメールは最大 12 通です。宛先はすべて当方のドメインで、ほかの人に届くことはありません。ポートスキャンや、パスワードを試すことはありません。
nominate-limit-opt-out = 所有者がテストを希望しないネットワークと、特殊用途のアドレスはテストしません。
nominate-more = テストのあとの扱い:
fault-no-address = メールサーバーのアドレスを入力してください。
fault-malformed-address = IPv4 または IPv6 のアドレスではありません。ホスト名ではなく、サーバーのアドレスを調べて入力してください。
fault-embedded = この IPv6 アドレスは IPv4 アドレスを表しています。IPv4 アドレスを入力してください。
fault-special = このアドレスはテストの対象外です。インターネット上のメールサーバーには使われないアドレスか、このサイトの対象範囲の外にあります。
fault-own = このリスト自身のアドレスです。
fault-opted-out = このネットワークの所有者は、テストを希望していません。
fault-no-ground = 理由を選択してください。
fault-not-from-there = 現在の接続元は、入力されたアドレスではありません。テストするサーバー自身から送信するか、ほかの理由を選択してください。
fault-not-listed = このアドレスは第三者中継サーバーとして掲載されていないため、解除の必要はありません。
fault-no-evidence = 中継されたメールのヘッダーを入力してください。
fault-long-evidence = 証拠が 16 KiB を超えています。メール 1 通分のヘッダーで十分です。
fault-malformed-domain = ドメイン名ではありません。
fault-not-mx = このドメインあてのメールは、このサーバーには届きません。空欄にするか、このサーバーが MX であるドメインを入力してください。
fault-lookup = ドメインを調べられませんでした。空欄にするか、しばらくしてからもう一度お試しください。
limit-address = このアドレスは、最近テストしたばかりです。
limit-delist = 解除のための再テストには待ち時間があり、回を重ねるごとに長くなります。
limit-network = このネットワークでは、1 時間以内に複数のホストをテストしています。
limit-submitter = お使いのネットワークからの依頼が上限に達しました。
limit-all = 現在、テストの依頼が混み合っています。

## 第三者中継テスト

test-title = { $address } の第三者中継テスト
test-waits = 順番待ち
test-talks = テスト中
test-awaits = メールの到着待ち
test-retries = 再試行待ち
test-cancelled = 取り消し
verdict-open = 第三者中継あり
verdict-open-text = テストメールが中継されて届きました。このサーバーは、だれからのメールでも中継します。
verdict-clean = 第三者中継なし
verdict-clean-text = テストメールは拒否されたか、1 通も届きませんでした。
verdict-blocked = 判定なし: 接続を拒否されました
verdict-blocked-text = サーバーが、テスト元からの接続を拒否しています。中継の有無についての判断材料にはなりません。
verdict-unreachable = 判定なし: 接続できませんでした
verdict-unreachable-text = このアドレスからは応答がありませんでした。サーバーにとって有利にも不利にも扱いません。
verdict-inconclusive = 判定なし: 応答が明確ではありませんでした
verdict-inconclusive-text = 一部のテストメールに明確な応答がなかったか、2 回とも一時的に拒否されました。
test-refresh = 判定が出るまで、このページは { $seconds } 秒ごとに自動的に更新されます。
test-refresh-off = 自動更新を止める
test-refresh-on = 自動的に更新する
test-follows = このあとの流れ
follows-begins = テストの開始予定:
follows-waits = 空きができしだい開始します。通常は 1 分以内です。
follows-talks = 下のアドレス形式を順に試しています。1、2 分で終わりますが、応答の遅いサーバーではさらに時間がかかります。
follows-awaits = サーバーがメールを受け付けました。次の時刻までに 1 通も届かなければ、判定を出します:
follows-retries = サーバーから一時的に拒否されました(グレイリスティングなど)。再試行の予定:
follows-cancelled = このテストによる変更はありません。
follows-close = 第三者中継を止めてください。ほかのドメインあてのメールは、自組織のネットワークからのものと、認証済みの利用者からのものだけを受け付けるようにします。対処が済んだら、再テストを依頼してください。
follows-unlisted = このサーバーは、第三者中継サーバーとして掲載されていません。
follows-nothing = 掲載の状態は変わりません。
follows-second-test = 掲載中のサーバーは、2 回続けて中継しないことを確認できれば解除されます。2 回目のテスト予定:
follows-listed = このサーバーは、第三者中継サーバーとして掲載されています。
test-ask-delist = 中継を止めたので、再テストと解除を依頼する
test-about = テストの情報
test-host = サーバー
test-ground = 依頼の理由
test-asked = 依頼日時
test-number = テスト番号
test-probes = 試したアドレス形式
test-probes-text = アドレス形式と結果
test-probe = 形式
test-outcome = 結果
outcome-waits = 未送信
outcome-sent = 送信済み(応答待ち)
outcome-refused = 拒否
outcome-accepted = 受け付けられたが、届いていない
outcome-returned = 届いた(中継された)
outcome-bounced = 受け付け後、エラーメール
outcome-error = 明確な応答なし
outcome-deferred = 一時的な拒否(4xx)
test-returns = 届いたメール
test-returned = { $probe } のメール(届けたサーバー: { $peer })
test-bounced = { $probe } のエラーメール(届けたサーバー: { $peer })
test-headers = 最初に届いたメールのヘッダー
test-transcript = SMTP のやり取り
test-transcript-text = C はテスト元、S はサーバー、* はそのほかの出来事です。トークンは省略しています。
test-no-transcript = まだやり取りはありません。
test-part = { $count } 部のうち第 { $number } 部。
test-before = 前の部
test-next = 次の部
test-cut = テストの依頼者と、依頼時の証拠は公開していません。このページは、テスト番号を知っている人だけが見られます。

## 障害情報

status-incidents = 障害情報
status-no-incidents = 現在、お知らせする障害はありません。
incident-now = 対応中
incident-ended = 発生: { $began }、復旧: { $ended }
incident-goes-on = 発生: { $began }
feed-incidents-link = 障害情報のフィード(Atom)
feed-incidents = { $name } の障害情報

## 解除申請

menu-remove = 解除申請
step-ask-removal = 対処が済んだら、解除を申請してください。原因と、行った対策をお書き添えください:
policy-removal-form = 申請フォーム:
policy-removal-self = 申請があれば、直ちに解除します。再び掲載された場合、2 回目の解除までに { $wait }お待ちいただき、以後は回を重ねるごとに倍になります。担当者の判断が必要な申請には、{ $promise }以内に回答します。
policy-removal-review = 解除申請は担当者が確認し、{ $promise }以内に回答します。
remove-intro = IP アドレス、ネットワーク、ドメインの掲載解除を申請できます。先に原因を取り除いてください。そうしないと、再び掲載されます。第三者中継サーバーは再テストを行い、中継しないことを確認できれば解除します。
remove-zone = 対象のリスト
remove-comment = 原因と、行った対策
remove-comment-hint = 担当者が読みます。担当者に知られたくないことは書かないでください。
remove-contact = メールアドレス(省略できます)
remove-contact-needed = メールアドレス
remove-contact-hint = この申請の確認(リストが求める場合)と回答のためだけに使います。公開することはありません。
remove-button = 解除を申請する
remove-who = 申請できる方
remove-who-text = サーバー、ネットワーク、またはドメインの管理者の方です。メールの送信者の方は、ご利用のメールサーバーの管理者にご連絡ください。

    費用もアカウントも必要ありません。
fault-no-subject = IP アドレス、プレフィックス、ドメインのいずれでもありません。
fault-not-listed-here = 公開しているリストには掲載されていないため、解除の必要はありません。
fault-several = 複数のリストに掲載されています。対象のリストを選択してください。
fault-test-entry = テスト用の項目です。常に存在し、だれかを掲載しているわけではありません。
fault-no-contact = このリストでは、メールによる確認が必要です。メールアドレスを入力してください。
fault-malformed-contact = メールアドレスの形式が正しくありません。
limit-removals = お使いのネットワークからの 1 時間あたりの申請数が上限に達しました。
limit-mails = このメールアドレスへの 1 日あたりの送信数が上限に達しました。
limit-crowded = 同じ内容の申請がすでに複数あります。そちらに回答します。
limit-full = 現在、申請が混み合っています。
removal-title = { $subject } の解除申請
removal-unconfirmed = メールによる確認待ち
removal-review = 担当者の確認待ち
removal-waits = 解除待ち(待機期間中)
removal-retest = 再テスト中
removal-removed = 解除済み
removal-refused = 掲載継続
removal-follow-link = 確認のメールをお送りしました。メールに書かれている URL を開いてください。
removal-follow-until = 次の時刻までに確認できない場合、申請は取り消されます:
removal-promised = 回答の期限:
removal-wider = { $prefix } 全体が掲載されています。この部分を除外するかどうかは、担当者が判断します。
removal-waits-until = 解除の予定:
removal-waits-why = 以前に解除されたあと、再び掲載されたためです。待ち時間は、回を重ねるごとに長くなります。
removal-tested = サーバーを再テストしています。2 回のテストで中継しないことを確認できれば、解除します。
removal-test-link = テストの状況
removal-removed-at = 解除日時:
removal-refused-text = 異議がある場合は、運用者にご連絡ください:
removal-open-text = テストの結果、このサーバーはまだ中継しています。第三者中継を止めてから、もう一度申請してください。
removal-by-mail = 結果はメールでお知らせします。
removal-note = 担当者からの回答
removal-about = 申請の内容
removal-subject = 申請の対象
removal-now = 現在の状態
removal-keep = このページの URL を保存してください。申請の状況を確認できるのは、このページだけです。URL を知っている人は、このページを見られます。
confirm-title = 解除申請の確認
confirm-text = このメールアドレスを連絡先とする解除申請がありました。ご自身の申請であれば、確認してください。心当たりがない場合は、このページを閉じてください。確認がなければ、申請は自動的に取り消されます。
confirm-button = 申請を確認する
## 管理画面

admin-title = 管理画面
admin-menu-overview = 概要
admin-menu-listings = 掲載
admin-menu-reports = 通報
admin-menu-tests = 中継テスト
admin-menu-allow = 許可エントリ
admin-menu-feeds = フィード
admin-menu-sources = 情報源
admin-menu-subscribers = 契約者
admin-menu-audit = 監査記録
admin-menu-tokens = トークン
admin-menu-undo = 取り消し
admin-sign-in = サインイン
admin-sign-in-text = API のトークンでサインインしてください。ここでできることは、そのトークンに許されたことだけです。30 分間操作がないとき、また長くても 8 時間でセッションは終わります。
admin-token = トークン
admin-not-signed-in = サインインできませんでした。
admin-sign-out = サインアウト
admin-signed-in-as = サインイン中:
admin-not-permitted = このトークンではできません
admin-forged = このフォームは現在のセッションのものではありません
admin-elsewhere = 別のサイトから移動してきました
admin-go-on = 管理画面へ進む
admin-mistake = 入力内容に誤りがあります
admin-missing = 見つかりません
admin-conflict = 現在の状態では実行できません
admin-goes-on = 時間がかかるため、このページを離れても処理は続きます。完了すると監査記録に現れます。
admin-next = 次のページ
admin-show = 表示
admin-nothing = ありません。
admin-more = ほかにもあります。条件を絞ってください。
admin-yes = はい
admin-no = いいえ
admin-any = すべて
admin-state = 状態
admin-kind = 種類
admin-zone = ゾーン
admin-zones = ゾーン
admin-every-zone = すべてのゾーン
admin-source = 情報源
admin-sources = 情報源
admin-network = ネットワークまたはアドレス
admin-networks = ネットワーク
admin-address = アドレス
admin-by = 操作者
admin-since = 開始
admin-changed = 更新
admin-expires = 期限
admin-expired = 期限切れ
admin-note = メモ
admin-note-hint = メモ(運用者だけに表示)
admin-note-told = 回答(解除を申請した人に伝えられます)
admin-tags = タグ
admin-why = 理由
admin-owner = 責任者
admin-change = 変更番号
admin-sequence = 通し番号
admin-behind = DNS の応答に未反映の変更
admin-queues = 対応待ち
admin-reports-waiting = 審査待ちの通報
admin-feeds-failing = 失敗しているフィード
admin-serial = シリアル
admin-listings = 掲載数
admin-exclusions = 除外数
admin-frozen = 凍結中の情報源
admin-dns-lists = DNS は「掲載」と応答します
admin-dns-lists-not = DNS は「掲載なし」と応答します
admin-add = 掲載を追加
admin-added = 追加しました。DNS の応答に反映済みです。
admin-remove = 削除
admin-removed = 削除しました。DNS の応答に反映済みです。
admin-exclusion = 除外(上位の掲載の対象から外す)
admin-replace = この情報源の既存の内容を置き換える
admin-codes = 応答コード
admin-codes-hint = 応答コード(空欄: ゾーンの設定)
admin-reason-hint = 掲載理由(空欄: ゾーンの設定。$ は問い合わせの対象)
admin-days-hint = 日数(空欄: 無期限)
admin-days = { $count ->
    [0] 直ちに失効
   *[other] { $count } 日後に失効
}
admin-undo = 取り消す
admin-undo-text = 取り消しは新しい変更として記録され、すべてがその変更の前の状態に戻ります。後の変更がそれを前提にしているときは実行できません。
admin-undone = 変更 { $change } を取り消しました。
admin-report-waiting = 審査待ち
admin-report-listed = 掲載中
admin-report-testing = テスト中
admin-report-confirmed = 事実と確認
admin-report-refuted = 事実でないと判断
admin-reporter = 通報者
admin-reported = 通報日時
admin-events = 件数
admin-comment = コメント
admin-duplicates = 再通報の回数
admin-first-seen = 最初の検知
admin-last-seen = 最後の検知
admin-evidence = 証拠
admin-test = 中継テスト
admin-decide = 判断する
admin-decide-text = 判断は、その対象について同じ内容を述べるすべての通報に及びます。事実であればゾーンの規則に従って(規則がなければ 1 日)掲載し、事実でなければそれに基づく掲載を終えます。
admin-verdict = 判断
admin-confirm = 事実である
admin-refute = 事実でない
admin-decided = 判断日時
admin-decided-by = 判断した人
admin-decision-kept = 判断を記録しました。
admin-feed-good = 正常
admin-feed-failing = 失敗
admin-feed-waiting = 未実行
admin-feed-running = (実行中)
admin-origin = 取得元
admin-every = 間隔
admin-last-attempt = 最後の試行
admin-last-success = 最後の成功
admin-next-attempt = 次の試行
admin-imported = 最後の取り込み(+ 追加、~ 変更、- 削除、= 変更なし、! 不採用)
admin-failing-since = 失敗の開始
admin-failing-why = 失敗の内容
admin-run = 今すぐ実行
admin-feed-ran = フィードを実行しました。
admin-feed-failed = フィードを実行しましたが、失敗しました。
admin-freeze = 凍結
admin-thaw = 凍結を解除
admin-frozen-since = 凍結の開始
admin-is-frozen = 情報源を凍結しました。新たな書き込みはできず、掲載済みのものは残ります。
admin-is-thawed = 情報源の凍結を解除しました。
admin-per-second = 毎秒の問い合わせ数
admin-per-day = 1 日の問い合わせ数
admin-keys = 有効なキー
admin-usage = 利用状況
admin-usage-text = 過去 30 日間の問い合わせ
admin-day = 日付
admin-questions = 問い合わせ
admin-refused = 拒否
admin-rotate = キーを更新
admin-overlap = 現在のキー
admin-key = 新しいキー
admin-key-text = キーはこのページにしか表示されません。今すぐ契約者に渡してください。
admin-revoke = 失効させる
admin-revoke-subscriber-text = このキーでの次の問い合わせから拒否されます。
admin-revoked = 失効させました。
admin-ground = 根拠
admin-ground-evidence = 中継した証拠がある
admin-ground-delist = 掲載中で、再テストが必要
admin-ground-owner = 所有者の依頼
admin-submitted = 依頼日時
admin-tested = テスト日時
admin-test-submit = テストを依頼
admin-test-submitted = テストを依頼しました。
admin-listed-now = 現在の掲載
admin-port = ポート
admin-domain = ドメイン
admin-via = 経由したホスト
admin-retry = 再試行
admin-probes = 試行
admin-transcript = 通信記録
admin-came-back = 戻ってきたメール
admin-bounce = バウンス
admin-received = 受信日時
admin-opt-outs = テストしないネットワーク
admin-opt-out = テスト対象から外す
admin-opt-in = テスト対象に戻す
admin-opted-out = テスト対象から外しました。
admin-opted-in = テスト対象に戻しました。
admin-allow-add = 許可エントリを追加
admin-allow-text = 対象とそれに含まれるものは、掲載、取り込み、範囲の内容にかかわらず「掲載なし」になります。
admin-actor = 操作者
admin-about = 対象
admin-action = 操作
admin-when = 日時
admin-token-id = トークンの ID
admin-scopes = スコープ
admin-max-prefix = 最大のプレフィックス
admin-per-minute = 毎分の要求数
admin-parent = 作成元
admin-last-used = 最後の使用
admin-menu-review = 審査
admin-item-removal = 掲載解除の申請
admin-item-report = 通報
admin-item-listing = 期限のない掲載
admin-promised = 回答の期限
admin-overdue = 期限超過
admin-claimed-by = 担当者
admin-claimed-until = 担当の期限
admin-claim = 担当する
admin-claimed = 30 分間、担当中であることがほかの審査者に表示されます。
admin-release = 担当をやめる
admin-released = ほかの審査者が担当できます。
admin-grant = 認める(上位の掲載は残す)
admin-grant-wider = 認め、上位の掲載も削除する
admin-refuse = 認めない
admin-keep = 掲載を続ける
