# Mails to those who ask for a removal. Keys and values are those of the Japanese file; a test sees to that.

confirm-subject = Please confirm: removal of { $subject } from { $zone }
confirm-body =
    Somebody has asked that { $subject } be removed from the block list { $zone }
    and gave this mailbox. If that was you, please confirm it:

    { $link }

    The request is forgotten after { $hours } hours unless it is confirmed.
    If you have not asked for this, there is nothing to do.

done-subject = { $subject } has been removed from { $zone }
done-body =
    { $subject } is not listed in { $zone } any more.

    Name servers may answer from what they have kept until { $until }.
    Some mail servers keep the answer a little longer.

    If the cause is still there, { $subject } will be listed again, and the next
    removal has to wait longer.

granted-subject = { $subject } has been removed from { $zone }
granted-body =
    Your request has been granted: { $subject } is not listed in { $zone } any more.

    { $note }

    Name servers may answer from what they have kept until { $until }.
    Some mail servers keep the answer a little longer.

refused-subject = { $subject } stays listed in { $zone }
refused-body =
    Your request to remove { $subject } from { $zone } has been refused.

    { $note }

    Once the cause is gone, you may ask again.

open-subject = { $subject } stays listed in { $zone }
open-body =
    { $subject } has been tested as you asked. It stays listed in { $zone }.

    Result of the test: { $verdict }
    Number of the test: { $test }

    Please close the relay and ask again.

no-note = No reason was given.
signature =
    This mail was written by { $name } in answer to a request there.
    There is no charge for a removal, whoever asks.
