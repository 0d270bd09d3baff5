//! A macro for error enums that declares code and hint beside each variant.

/// Declares an error enum with the methods `code` and `hint`.
///
/// `=> CODE` or `=> CODE, HINT` follows each variant. In both expressions the fields of the variant
/// are references. A hint must implement [`IntoHint`].
macro_rules! coded {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $(
                $(#[$about:meta])*
                $variant:ident $({ $( $(#[$field_about:meta])* $field:ident: $type:ty ),+ $(,)? })?
                => $code:expr $(, $hint:expr)?;
            )+
        }
    ) => {
        $(#[$meta])*
        pub enum $name {
            $( $(#[$about])* $variant $({ $( $(#[$field_about])* $field: $type ),+ })? ),+
        }

        #[allow(unused_variables, clippy::match_same_arms, clippy::too_many_lines)]
        impl $name {
            /// The code, stable over releases.
            pub fn code(&self) -> &'static str {
                match self {
                    $( Self::$variant $({ $($field),+ })? => $code, )+
                }
            }

            /// What to do about the error, if something can be done.
            ///
            /// A hint names no command-line option; the command line has its own hints.
            pub fn hint(&self) -> Option<String> {
                match self {
                    $( Self::$variant $({ $($field),+ })? => {
                        $crate::error::coded::hint!($($hint)?)
                    } )+
                }
            }
        }

        #[cfg(test)]
        impl $name {
            /// The names of all variants.
            pub(crate) const VARIANTS: &'static [&'static str] = &[$(stringify!($variant)),+];

            /// The name of this variant.
            #[allow(unused_variables)]
            pub(crate) fn variant(&self) -> &'static str {
                match self {
                    $( Self::$variant $({ $($field),+ })? => stringify!($variant), )+
                }
            }
        }
    };
}

macro_rules! hint {
    () => {
        None
    };
    ($hint:expr) => {
        $crate::error::coded::IntoHint::into_hint($hint)
    };
}

pub(super) use {coded, hint};

/// Converts to a hint: a text, or an optional text.
pub(super) trait IntoHint {
    fn into_hint(self) -> Option<String>;
}

impl IntoHint for &str {
    fn into_hint(self) -> Option<String> {
        Some(self.to_string())
    }
}

impl IntoHint for String {
    fn into_hint(self) -> Option<String> {
        Some(self)
    }
}

impl<T: IntoHint> IntoHint for Option<T> {
    fn into_hint(self) -> Option<String> {
        self.and_then(IntoHint::into_hint)
    }
}
