//! E-mail: over TLS, STARTTLS and in the clear, and what the server may answer.

use alerts::Transport;

use crate::mailserver::{CERTIFICATE, Mail, MailServer, Secure};
use crate::receiver::closed_port;
use crate::setting::{Folder, NOON_MS, all, email, level};

async fn sent(secure: Option<Secure>, transport: Transport) -> Mail {
    let (folder, server) = (Folder::new(), MailServer::start(secure).await);
    let roots = secure.map(|_| CERTIFICATE.to_vec());
    let alerts = folder.open(vec![email(server.port(), transport, roots)]);
    let id = alerts.look(&[all(812)], NOON_MS).expect("a look")[0].id.clone();
    alerts.deliver(NOON_MS).await.expect("deliveries");
    let delivery = &alerts.deliveries(&id).expect("deliveries")[0];
    assert_eq!(
        (delivery.state.as_str(), delivery.answer.as_deref()),
        ("delivered", Some("250 queued as 42"))
    );
    let mail = server.mails().pop().expect("a mail");
    assert_eq!(mail.id(), id);
    mail
}

#[tokio::test]
async fn in_the_clear_to_this_machine() {
    let mail = sent(None, Transport::Plain).await;
    assert!(!mail.was_secured);
    assert_eq!(
        (mail.from.as_str(), mail.to),
        ("farebox@example.com", vec!["ops@example.com".to_owned(), "cfo@example.com".to_owned()])
    );
    assert_eq!(mail.login.as_deref(), Some("\0farebox\0pass word"));
}

#[tokio::test]
async fn what_it_says() {
    let mail = sent(None, Transport::Plain).await;
    let header = |name: &str| mail.header(name).unwrap_or_default();
    assert_eq!(header("Subject"), "[farebox] budget all: 80% of $10.00 used");
    assert_eq!(header("To"), "ops@example.com, cfo@example.com");
    assert_eq!(header("Date"), "Tue, 24 Nov 2026 12:00:00 +0000");
    assert_eq!(header("Content-Type"), "text/plain; charset=utf-8");
    assert_eq!(header("Auto-Submitted"), "auto-generated");
    let body = mail.body();
    assert!(body.contains("$8.12 of $10.00 used today, $1.88 left."), "{body}");
    assert!(body.contains("Also passed  50%\r\n"), "{body}");
}

#[tokio::test]
async fn over_starttls_and_over_tls() {
    assert!(sent(Some(Secure::StartTls), Transport::StartTls).await.was_secured);
    assert!(sent(Some(Secure::FromTheStart), Transport::Tls).await.was_secured);
}

#[tokio::test]
async fn no_password_without_tls() {
    let (folder, server) = (Folder::new(), MailServer::start(None).await);
    let alerts = folder.open(vec![email(server.port(), Transport::StartTls, None)]);
    let id = alerts.look(&[all(500)], NOON_MS).expect("a look")[0].id.clone();
    alerts.deliver(NOON_MS).await.expect("deliveries");
    let delivery = &alerts.deliveries(&id).expect("deliveries")[0];
    assert_eq!(delivery.answer.as_deref(), Some("the server offers no STARTTLS"));
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for() {
    let (folder, server) = (Folder::new(), MailServer::start(Some(Secure::FromTheStart)).await);
    let alerts = folder.open(vec![email(server.port(), Transport::Tls, None)]);
    let id = alerts.look(&[all(500)], NOON_MS).expect("a look")[0].id.clone();
    alerts.deliver(NOON_MS).await.expect("deliveries");
    let delivery = &alerts.deliveries(&id).expect("deliveries")[0];
    assert!(delivery.answer.as_deref().is_some_and(|answer| answer.contains("certificate")), "{delivery:?}");
}

#[tokio::test]
async fn names_beyond_ascii_arrive_whole() {
    let (folder, server) = (Folder::new(), MailServer::start(None).await);
    let alerts = folder.open(vec![email(server.port(), Transport::Plain, None)]);
    alerts.look(&[level("all", &[("user", "Zoë\r\nBcc: x@example.com")], 500)], NOON_MS).expect("a look");
    alerts.deliver(NOON_MS).await.expect("deliveries");
    let mail = server.mails().pop().expect("a mail");
    assert!(mail.header("Subject").is_some_and(|subject| subject.starts_with("=?UTF-8?B?")));
    assert!(mail.header("Bcc").is_none());
    assert!(mail.body().contains("user=Zoë"), "{}", mail.body());
}

#[tokio::test]
async fn what_a_server_may_say() {
    for (word, answer, state, told) in [
        ("AUTH", "535 bad password", "failed", "the login was answered with 535 bad password"),
        ("MAIL", "451 later", "waiting", "the sender was answered with 451 later"),
        ("RCPT", "550 nobody here", "failed", "a recipient was answered with 550 nobody here"),
        ("DATA", "452 disk full", "waiting", "DATA was answered with 452 disk full"),
        ("EHLO", "hello", "waiting", "the server does not speak SMTP"),
        (
            "cfo@",
            "550 nobody here",
            "delivered",
            "250 queued as 42; not to cfo@example.com: a recipient was answered with 550 nobody here",
        ),
    ] {
        let (folder, server) = (Folder::new(), MailServer::start(None).await);
        server.answers(word, answer);
        let alerts = folder.open(vec![email(server.port(), Transport::Plain, None)]);
        let id = alerts.look(&[all(500)], NOON_MS).expect("a look")[0].id.clone();
        alerts.deliver(NOON_MS).await.expect("deliveries");
        let delivery = &alerts.deliveries(&id).expect("deliveries")[0];
        assert_eq!((delivery.state.as_str(), delivery.answer.as_deref()), (state, Some(told)));
    }
}

#[tokio::test]
async fn nobody_there() {
    let folder = Folder::new();
    let alerts = folder.open(vec![email(closed_port().await, Transport::Plain, None)]);
    let id = alerts.look(&[all(500)], NOON_MS).expect("a look")[0].id.clone();
    alerts.deliver(NOON_MS).await.expect("deliveries");
    assert_eq!(alerts.deliveries(&id).expect("deliveries")[0].state, "waiting");
}
