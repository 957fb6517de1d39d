//! Spanish, with “usted”.

use super::{LetterWords, MailWords, PostmortemWords, UpdateWords};

pub(super) const WORDS: MailWords = MailWords {
    update: UpdateWords {
        reopened: "Reabierto",
        correction: "Corrección",
        corrected: "Ya le enviamos esta actualización y desde entonces hemos cambiado su texto. Lo que sigue es lo válido.",
        lasted: |duration| format!("Duración: {duration}"),
        next_update: |time| format!("Próxima actualización a más tardar el {time}"),
        affected: "Componentes afectados",
        earlier: "Actualizaciones anteriores",
        older: |count| match count {
            1 => "Hay una actualización más antigua en la página de estado.".to_owned(),
            count => format!("Hay {count} actualizaciones más antiguas en la página de estado."),
        },
        removed: "Esta actualización se ha retirado.",
        on_the_page: "En la página de estado, siempre al día:",
        open_the_page: "Abrir la página de estado",
        why: |page| {
            format!(
                "Recibe este correo porque se suscribió a {page}: a toda la información, a un componente afectado por \
                 este incidente o a este incidente en particular."
            )
        },
        choose: "Elegir qué información recibe",
        unsubscribe: "Cancelar la suscripción",
    },
    postmortem: PostmortemWords {
        by: |name| format!("por {name}"),
        started: |time| format!("Inicio: {time}"),
        detected: |time| format!("Detectado: {time}"),
        after: |duration| format!("después de {duration}"),
        mitigated: |time| format!("Mitigado: {time}"),
        resolved: |time| format!("Resuelto: {time}"),
        follow_ups: "Acciones de seguimiento",
        done: "hecho",
        to_do: "pendiente",
        to_do_by: |date| format!("pendiente hasta el {date}"),
        on_the_page: "En la página de estado, con las correcciones posteriores:",
    },
    confirmation: LetterWords {
        subject: "Confirme su suscripción",
        title: |page| format!("Confirme su suscripción a {page}"),
        why: |page| {
            format!(
                "Alguien, probablemente usted, pidió a {page} que escriba a esta dirección cuando haya novedades sobre \
                 un incidente."
            )
        },
        how: "Para confirmar, abra esta página y pulse el botón:",
        button: "Confirmar la suscripción",
        expiry: "El enlace es válido durante 48 horas. Después, vuelva a suscribirse en la página de estado.",
        ignore: "Si no lo ha pedido usted, no tiene que hacer nada: sin su confirmación no se envía nada.",
    },
    manage: LetterWords {
        subject: "Su suscripción",
        title: |page| format!("Su suscripción a {page}"),
        why: |page| {
            format!(
                "Alguien, probablemente usted, pidió a {page} el enlace a esta suscripción. Allí puede elegir qué \
                 información recibe, el idioma y la zona horaria, o cancelar la suscripción."
            )
        },
        how: "Para cambiar su suscripción, abra esta página:",
        button: "Abrir mi suscripción",
        expiry: "El enlace sigue siendo válido. No lo comparta: quien lo tenga puede cambiar su suscripción.",
        ignore: "Si no lo ha pedido usted, no tiene que hacer nada: no se ha cambiado nada.",
    },
};
